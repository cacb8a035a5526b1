package trainer

import (
	"strings"

	"medusa/datasets"
	"medusa/internal/field"
	"medusa/nets"
)

// hiddenOfVectors is the width of the layer between vectors and their embeddings, unless Config says one.
const hiddenOfVectors = 512

// fitNet chooses the network for vectors where it is not given.
func (c Config) fitNet(train *items) (Config, []Fitted, error) {
	if !train.vectors() {
		return c, nil, nil
	}
	var fitted []Fitted
	switch b := c.Net.Backbone; {
	case b == "":
		c.Net.Backbone = "mlp"
		fitted = append(fitted, Fitted{"Net.Backbone", "mlp", "vectors have no rows and columns to convolve over"})
	case nets.Convolves(b):
		channels, _, _ := train.Shape()
		return c, nil, field.Errorf("trainer", "", "%s is %s, which convolves over the rows and columns of pictures, but the data are vectors of %d numbers: "+
			"want mlp, or leave it out", field.Name("Net.Backbone"), b, channels)
	}
	if c.Net.Backbone == "mlp" && len(c.Net.Hidden) == 0 {
		c.Net.Hidden = []int{hiddenOfVectors}
		fitted = append(fitted, Fitted{"Net.Hidden", numberOrNone(hiddenOfVectors), "one layer is enough for a head on vectors"})
	}
	return c, fitted, nil
}

// needsPictures returns an error for settings that are about pictures if the data are not such.
func (c Config) needsPictures(d runData) error {
	if c.Weights != "" && d.Train.vectors() {
		return field.Errorf("trainer", "", "%s is %s, weights of a network that sees pictures, but the data are vectors: leave it out", field.Name("Weights"), c.Weights)
	}
	return c.Data.needsPictures(d)
}

// needsPictures returns an error for settings that are about pictures in files if the data are not such.
func (c DataConfig) needsPictures(d runData) error {
	if d.Train.pictures() != nil {
		return nil
	}
	a := c.Augment
	var given []any
	for _, s := range []struct {
		field field.Name
		set   bool
	}{
		{"Data.Augment.RandomCrop", a.RandomCrop != 0}, {"Data.Augment.ResizedCropMin", a.ResizedCropMin != 0},
		{"Data.Augment.ResizedCropMax", a.ResizedCropMax != 0}, {"Data.Augment.RatioMin", a.RatioMin != 0},
		{"Data.Augment.RatioMax", a.RatioMax != 0}, {"Data.Augment.FlipH", a.FlipH != 0}, {"Data.Augment.FlipV", a.FlipV != 0},
		{"Data.Augment.Rotation", a.Rotation != 0}, {"Data.Augment.Brightness", a.Brightness != 0},
		{"Data.Augment.Contrast", a.Contrast != 0}, {"Data.Augment.Erase", a.Erase != 0}, {"Data.Augment.EraseArea", a.EraseArea != 0},
		{"Data.Height", c.Height != 0}, {"Data.Width", c.Width != 0 && c.Height == 0}, {"Data.Channels", c.Channels != 0},
		{"Data.Resize", c.Resize != "" && c.Resize != datasets.Squeeze}, {"Data.CropPct", c.CropPct != 0},
		{"Data.Filter", c.Filter != "" && c.Filter != datasets.Bilinear}, {"Data.Align", c.Align == datasets.AlignArcFace}, {"Data.Invert", c.Invert}, {"Data.Detail", c.Detail != 0},
		{"Data.TurnedClasses", c.TurnedClasses}, {"Data.Augment.Scale", a.Scale != 0}, {"Data.Augment.Shear", a.Shear != 0},
		{"Data.Augment.Elastic", a.Elastic != 0}, {"Data.Augment.ElasticCells", a.ElasticCells != 0},
		{"Data.Range", c.Range != "" && c.Range != datasets.RangeAuto},
		{"Data.DropDuplicates", c.DropDuplicates}, {"Data.Copies", c.Copies == LeaveOutCopies},
	} {
		if s.set {
			given = append(given, s.field)
		}
	}
	if len(given) == 0 {
		return nil
	}
	way := "leave them out"
	if len(given) == 1 {
		way = "leave it out"
	}
	if d.Train.dataset() == nil {
		way += " (a Set of your own can implement datasets.Sampled to change its items at random)"
	}
	list := strings.Repeat("%s, ", len(given)-1) + "%s"
	return field.Errorf("trainer", "", list+": only pictures of files can obey that, and the data are "+d.Train.noun()+": "+way, given...)
}
