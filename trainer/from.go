package trainer

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/graph"
	"medusa/internal/field"
	"medusa/model"
	"medusa/nets"
)

// StartModel is the model that a run began with.
type StartModel struct {
	Path        string `json:"path"`        // as Config.FineTune.From names it
	Fingerprint string `json:"fingerprint"` // of the model (model.Model.Fingerprint)
}

// StartFrom is c with what the model that FineTune.From names decides: the form of the network, and how pictures are
// prepared. It is called before Load, so that pictures are opened as the model wants them; without a model c stays as it is.
// Fields that were given stay: those that given is true of, such as Data.Height, or where it is nil those that are neither
// zero nor as in Default. New tells which of them differ from the model's. A network of another form is refused; another
// length of the embedding (Net.Embedding) begins with a new layer for it. The backbone is that of Options.Backbone, where the
// model's was given by value.
func (c Config) StartFrom(backbone nets.Builder, given func(field string) bool) (Config, error) {
	if c.FineTune.From == "" {
		return c, nil
	}
	m, err := c.openStart(backbone)
	if err != nil {
		return c, err
	}
	defer m.Close()
	if given == nil {
		given = c.changed
	}
	if c.Net, err = c.netLike(m.Info().Net, given); err != nil {
		return c, err
	}
	for _, f := range c.prepared(m) {
		switch {
		case !given(f.field):
			f.inherit()
		case f.field == "Data.Channels" && f.mine != f.its && f.mine != "0":
			return c, field.Errorf("trainer", "", "%s is %s, but the model %s is for pictures of %s: leave it out", field.Name(f.field), channelsCalled(f.mine), c.FineTune.From, channelsCalled(f.its))
		}
	}
	return c, nil
}

// openStart opens the model that the run begins with.
func (c Config) openStart(backbone nets.Builder) (*model.Model, error) {
	m, err := model.Load(c.FineTune.From, model.Options{Backbone: backbone})
	if _, missing := os.Stat(c.FineTune.From); errors.Is(missing, fs.ErrNotExist) {
		return nil, field.Errorf("trainer", "", "%s: there is no run folder or model file %s", field.Name("FineTune.From"), c.FineTune.From)
	}
	if err != nil {
		return nil, field.Errorf("trainer", "", "%s: %v", field.Name("FineTune.From"), err)
	}
	return m, nil
}

// changed reports whether a field is neither zero nor as in Default.
func (c Config) changed(name string) bool {
	mine, usual := fieldAt(&c, name), fieldAt(ptr(Default()), name)
	return !mine.IsZero() && !reflect.DeepEqual(mine.Interface(), usual.Interface())
}

func ptr[T any](v T) *T { return &v }

// fieldAt is a field of c by its path.
func fieldAt(c *Config, path string) reflect.Value {
	v := reflect.ValueOf(c).Elem()
	for _, name := range strings.Split(path, ".") {
		v = v.FieldByName(name)
	}
	return v
}

// channelsCalled is a number of channels as a person calls it.
func channelsCalled(n string) string {
	if name, ok := map[string]string{"1": "grey", "3": "rgb"}[n]; ok {
		return name
	}
	return n
}

// netLike is the network of a model, with what c may give otherwise.
func (c Config) netLike(of nets.Config, given func(string) bool) (nets.Config, error) {
	mine, its := netInFull(c.Net), netInFull(of)
	for _, name := range []string{"Backbone", "Channels", "Hidden", "Norm", "Activation", "Pooling", "Head", "Stem", "NormEps", "SamePad", "Raw"} {
		a, b := reflect.ValueOf(mine).FieldByName(name), reflect.ValueOf(its).FieldByName(name)
		if given("Net."+name) && fmt.Sprint(a) != fmt.Sprint(b) {
			return of, field.Errorf("trainer", "", "%s is %s, but the model %s has %s: leave it out, or leave out %s",
				field.Name("Net."+name), inMessage(a), c.FineTune.From, inMessage(b), field.Name("FineTune.From"))
		}
	}
	of.InChannels, of.Height, of.Width = 0, 0, 0 // as the pictures are
	of.Init = c.Net.Init
	if given("Net.Embedding") {
		of.Embedding = c.Net.Embedding
	}
	if given("Net.Dropout") {
		of.Dropout = c.Net.Dropout
	}
	return of, nil
}

// netInFull fills in what an empty text means.
func netInFull(c nets.Config) nets.Config {
	d := Default().Net
	c.Backbone, c.Embedding = cmp.Or(c.Backbone, "cnn"), cmp.Or(c.Embedding, d.Embedding)
	c.Activation, c.Pooling, c.Head = cmp.Or(c.Activation, d.Activation), cmp.Or(c.Pooling, d.Pooling), cmp.Or(c.Head, d.Head)
	if c.Backbone != "mlp" {
		c.Norm = cmp.Or(c.Norm, "batch")
	}
	return c
}

// inMessage is a value as messages tell it.
func inMessage(v reflect.Value) string {
	if v.Kind() == reflect.Slice {
		return cmp.Or(numberList(v.Interface()), "the usual ones")
	}
	return cmp.Or(fmt.Sprint(v.Interface()), "the usual one")
}

// preparedField is a setting about pictures that comes with a model.
type preparedField struct {
	field     string
	mine, its string
	inherit   func()
}

// prepared are those of c beside the model's. For vectors it is the normalisation alone.
func (c *Config) prepared(m *model.Model) []preparedField {
	info, d := m.Info(), &c.Data
	if o := m.Options(); o.Height == 0 {
		return []preparedField{c.normalised(info.Normalisation)}
	}
	size := func(name string, mine *int, its int) preparedField {
		return preparedField{name, fmt.Sprint(*mine), fmt.Sprint(its), func() { *mine = its }}
	}
	views := preparedField{"EvalViews", c.EvalViews, info.Views, func() { c.EvalViews = info.Views }}
	if info.Views != "" {
		views.inherit = func() { c.EvalViews, d.Detail = info.Views, cmp.Or(d.Detail, info.Detail) }
	}
	black, invert := cmp.Or(info.Range, datasets.RangeFull), info.Invert
	if d.Path == "" { // the embedded pictures are inverted already
		invert = !invert
	}
	unaligned := func(inherit func()) func() {
		return func() {
			if d.Align != datasets.AlignArcFace { // which takes the place of resizing
				inherit()
			}
		}
	}
	return []preparedField{
		size("Data.Channels", &d.Channels, info.Net.InChannels), size("Data.Height", &d.Height, info.Net.Height), size("Data.Width", &d.Width, info.Net.Width),
		{"Data.Align", string(d.Align), string(cmp.Or(info.Align, datasets.AlignNone)), func() { d.Align = info.Align }},
		{"Data.Resize", string(d.Resize), string(info.Resize), unaligned(func() { d.Resize = info.Resize })},
		{"Data.CropPct", fmt.Sprint(d.CropPct), fmt.Sprint(info.CropPct), unaligned(func() { d.CropPct = info.CropPct })},
		{"Data.Filter", string(cmp.Or(d.Filter, datasets.Bilinear)), string(cmp.Or(info.Filter, datasets.Bilinear)), unaligned(func() { d.Filter = info.Filter })},
		{"Data.Invert", fmt.Sprint(d.Invert), fmt.Sprint(invert), func() { d.Invert = invert }},
		{"Data.Range", d.Range, black, func() { d.Range = black }},
		c.normalised(info.Normalisation), views,
	}
}

// normalised is the normalisation of c beside a model's.
func (c *Config) normalised(its datasets.Normalisation) preparedField {
	d := &c.Data
	text := func(mean, std []float32) string { return numberList(mean) + "/" + numberList(std) }
	f := preparedField{field: "Data.Normalise", mine: d.Normalise, its: "none"}
	f.inherit = func() { d.Normalise, d.Mean, d.Std = "none", nil, nil }
	if len(its.Mean) > 0 {
		f.its = text(its.Mean, its.Std)
		f.inherit = func() { d.Normalise, d.Mean, d.Std = "given", slices.Clone(its.Mean), slices.Clone(its.Std) }
	}
	if d.Normalise == "given" {
		f.mine = text(d.Mean, d.Std)
	}
	return f
}

// numberList is a slice of numbers with commas between.
func numberList(x any) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(x), "[]"), " ", ",")
}

// beginWith makes the weights of the model that FineTune.From names those of a new run, and tells what is otherwise than the
// model has it. The loss's weights, those of an embedding of another length, and the state of dropout are new.
func (t *Trainer) beginWith(m *model.Model) error {
	info := m.Info()
	if t.cfg.Net.InChannels != info.Net.InChannels {
		return field.Errorf("trainer", "", "%s: the model %s is for pictures of %d channels, and these have %d: set %s",
			field.Name("FineTune.From"), t.cfg.FineTune.From, info.Net.InChannels, t.cfg.Net.InChannels, field.Name("Data.Channels"))
	}
	how := graph.Loading{Partial: graph.Partial{Missing: []string{lossPrefix}}}
	anew := netInFull(t.cfg.Net).Embedding != netInFull(info.Net).Embedding
	if anew {
		how.Partial.Missing = append(how.Partial.Missing, nets.EmbeddingPrefix)
		t.notice(fmt.Sprintf("%s in place of the model's %d: the embedding's layer begins anew", t.name("Net.Embedding", fmt.Sprint(t.cfg.Net.Embedding)), netInFull(info.Net).Embedding))
	}
	var stored []graph.StoredTensor
	for _, x := range m.Tensors() {
		switch {
		case strings.HasSuffix(x.Name, ".state"): // of dropout
			how.Partial.Missing = append(how.Partial.Missing, x.Name)
		case !anew || !strings.HasPrefix(x.Name, nets.EmbeddingPrefix):
			stored = append(stored, x)
		}
	}
	params, err := t.lend()
	if err != nil {
		return err
	}
	if _, err := params.Restore(stored, how); err != nil {
		return field.Errorf("trainer", "", "%s: the network of %s does not fit these pictures of %d×%d, it is for %d×%d: leave %s out, or take another model: %v", field.Name("FineTune.From"),
			t.cfg.FineTune.From, t.cfg.Net.Height, t.cfg.Net.Width, info.Net.Height, info.Net.Width, field.Names{"Data.Height", "Data.Width"}, err)
	}
	return t.takeBack(false)
}

// startNew begins a run with what the model of FineTune.From has, if one is named.
func (t *Trainer) startNew() error {
	if t.cfg.FineTune.From == "" {
		return nil
	}
	m, err := t.cfg.openStart(t.o.Backbone)
	if err != nil {
		return err
	}
	defer m.Close()
	if _, err := t.cfg.netLike(m.Info().Net, func(string) bool { return true }); err != nil {
		return errors.WithMessage(err, "trainer: Config.StartFrom, which takes the network from the model, was not called")
	}
	if err := t.beginWith(m); err != nil {
		return err
	}
	t.state.From = &StartModel{t.cfg.FineTune.From, m.Fingerprint()}
	t.tellOther(t.cfg.prepared(m))
	return nil
}

// tellOther tells which settings about pictures are otherwise than the model's.
func (t *Trainer) tellOther(all []preparedField) {
	said := ""
	for _, f := range all {
		if f.mine == f.its || f.mine == "0" { // a size that follows from the pictures
			continue
		}
		text := fmt.Sprintf("%s is taken, though the model %s has %s", t.name(f.field, cmp.Or(f.mine, "none")), t.cfg.FineTune.From, cmp.Or(f.its, "none"))
		if text != said { // one flag sets height and width
			t.notice(text)
		}
		said = text
	}
}

// errStartGone is a cause of errors where the weights that a run began with cannot be read any more.
var errStartGone = errors.New("the weights that the run began with are not there")

// startParams puts the weights that the run began with into params, where these came from a file or a model: the same one
// must still be there.
func (t *Trainer) startParams(params *graph.Params) (err error) {
	switch {
	case t.cfg.Weights != "":
		_, err = t.weightsInto(params)
	case t.state.From != nil:
		err = t.modelInto(params)
	default:
		return nil
	}
	if err != nil {
		return causedBy{err, errStartGone}
	}
	t.device.Wrote(graph.Tensors(params)...)
	return nil
}

// modelInto loads the weights of the model that the run began with.
func (t *Trainer) modelInto(params *graph.Params) error {
	from := t.state.From
	m, err := t.cfg.openStart(t.o.Backbone)
	if err != nil {
		return err
	}
	defer m.Close()
	if m.Fingerprint() != from.Fingerprint {
		return errors.Errorf("trainer: %s is another model by now than the one that the run began with", from.Path)
	}
	var stored []graph.StoredTensor
	for _, x := range m.Tensors() {
		if mine := params.Lookup(x.Name); mine != nil && mine.Shape().Eq(x.Shape) {
			stored = append(stored, x)
		}
	}
	_, err = params.Restore(stored, graph.Loading{Partial: graph.Partial{Missing: []string{""}}})
	return errors.WithMessage(err, "trainer")
}
