package trainer

import (
	"strings"

	"github.com/pkg/errors"

	"medusa/datasets"
)

// hiddenOfVectors are the layers between vectors and their embeddings where nobody says.
const hiddenOfVectors = 512

// fitNet chooses the network for vectors where it is not given.
func (c Config) fitNet(train *items, names Naming) (Config, []Fitted, error) {
	if !train.vectors() {
		return c, nil, nil
	}
	var fitted []Fitted
	switch b := c.Net.Backbone; {
	case b == "":
		c.Net.Backbone = "mlp"
		fitted = append(fitted, Fitted{"net.backbone", "mlp", "vectors have no rows and columns to convolve over"})
	case strings.HasPrefix(b, "cnn"), strings.HasPrefix(b, "resnet"):
		channels, _, _ := train.Shape()
		return c, nil, errors.Errorf("trainer: %s convolves over the rows and columns of pictures, and the data are vectors of %d numbers: "+
			"want %s, or leave it out", names.of("net.backbone", b), channels, names.of("net.backbone", "mlp"))
	}
	if c.Net.Backbone == "mlp" && len(c.Net.Hidden) == 0 {
		c.Net.Hidden = []int{hiddenOfVectors}
		fitted = append(fitted, Fitted{"net.hidden", number(hiddenOfVectors), "one layer is enough for a head on vectors"})
	}
	return c, fitted, nil
}

// needsPictures refuses settings that only pictures of files can obey, where the data are
// none.
func (c DataConfig) needsPictures(d runData, names Naming) error {
	if d.Train.pictures() != nil {
		return nil
	}
	a := c.Augment
	var given []string
	for _, s := range []struct {
		field string
		set   bool
	}{
		{"data.augment.random_crop", a.RandomCrop != 0}, {"data.augment.resized_crop_min", a.ResizedCropMin != 0},
		{"data.augment.resized_crop_max", a.ResizedCropMax != 0}, {"data.augment.ratio_min", a.RatioMin != 0},
		{"data.augment.ratio_max", a.RatioMax != 0}, {"data.augment.flip_h", a.FlipH != 0}, {"data.augment.flip_v", a.FlipV != 0},
		{"data.augment.rotation", a.Rotation != 0}, {"data.augment.brightness", a.Brightness != 0},
		{"data.augment.contrast", a.Contrast != 0}, {"data.augment.erase", a.Erase != 0}, {"data.augment.erase_area", a.EraseArea != 0},
		{"data.height", c.Height != 0}, {"data.width", c.Width != 0 && c.Width != c.Height}, {"data.channels", c.Channels != 0},
		{"data.resize", c.Resize != "" && c.Resize != datasets.Squeeze}, {"data.invert", c.Invert}, {"data.detail", c.Detail != 0},
		{"data.range", c.Range != "" && c.Range != datasets.RangeAuto},
		{"data.drop_duplicates", c.DropDuplicates}, {"data.copies", c.Copies == LeaveOutCopies},
	} {
		if s.set {
			given = append(given, names.of(s.field, ""))
		}
	}
	if len(given) == 0 {
		return nil
	}
	way := "leave it out"
	if len(given) > 1 {
		way = "leave them out"
	}
	if d.Train.dataset() == nil {
		way += " (a Set of your own can implement datasets.Sampled to change its items at random)"
	}
	return errors.Errorf("trainer: only pictures of files can obey %s, and the data are %s: %s", strings.Join(given, ", "), d.Train.noun(), way)
}
