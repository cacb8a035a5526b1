package trainer

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/catalog"
	"medusa/internal/field"
	"medusa/losses"
	"medusa/metrics"
	"medusa/miners"
	"medusa/samplers"
)

var deviceName = regexp.MustCompile(`^(cpu|auto|cuda(:[0-9]{1,3})?)$`)

// Defaults is c with every zero field that has a default filled in. Steps stays 0 where
// Epochs is given, since an epoch's length is known with the data only.
func (c Config) Defaults() Config {
	c.Loss = cmp.Or(c.Loss, defaultLoss)
	c.Metric = cmp.Or(c.Metric, "recall_at_1")
	c.Keep = cmp.Or(c.Keep, Best)
	c.Device = cmp.Or(c.Device, "cpu")
	if c.Epochs == 0 {
		c.Steps = cmp.Or(c.Steps, 600)
	}
	if c.EvalEvery == 0 && c.Steps > 0 {
		c.EvalEvery = max(c.Steps/10, 50)
	}
	c.EvalBatch = cmp.Or(c.EvalBatch, 128)
	c.CheckpointEvery = cmp.Or(c.CheckpointEvery, 100)
	c.LogEvery = cmp.Or(c.LogEvery, 10)
	c.Sampler.Seed = cmp.Or(c.Sampler.Seed, c.Seed)
	c.Data.Layout = cmp.Or(c.Data.Layout, datasets.LayoutAuto)
	c.Data.Resize = cmp.Or(c.Data.Resize, datasets.Squeeze)
	c.Data.Filter = cmp.Or(c.Data.Filter, datasets.Bilinear)
	c.Data.Align = cmp.Or(c.Data.Align, datasets.AlignNone)
	c.Data.Range = cmp.Or(c.Data.Range, datasets.RangeAuto)
	c.Data.Copies = cmp.Or(c.Data.Copies, TellCopies)
	c.Data.Normalise = cmp.Or(c.Data.Normalise, "auto")
	c.Solver = c.Solver.Defaults()
	c.Schedule = c.Schedule.Defaults(c.Steps)
	return c
}

const defaultLoss = "triplet"

// Validate lists everything that is wrong with c in one error, in which errors.As finds a
// FieldError.
func (c Config) Validate() error { return c.validate(Options{}) }

// validateNamed is Validate without what Options gives by value.
func (c Config) validateNamed() error {
	c = c.Defaults()
	const steps, epochs, every = field.Name("Steps"), field.Name("Epochs"), field.Name("EvalEvery")
	var f faults
	f.add(c.Steps > 0 && c.Epochs > 0, "%s is %d and %s %d: give one of them", steps, c.Steps, epochs, c.Epochs)
	for _, section := range []string{"", "Data", "Sampler", "Average", "FineTune"} { // the others look after themselves
		for _, wrong := range schema.Faults(c, section) {
			f.add(true, "%s is %s, want %s", field.Name(wrong.Field), wrong.Value, wrong.Want)
		}
	}
	f.add(c.Weights != "" && c.FineTune.From != "", "%s is %s and %s %s: begin with one of them", field.Name("Weights"), c.Weights, field.Name("FineTune.From"), c.FineTune.From)
	f.add(c.Net.Embedding > maxSize, "%s is %d, want at most %d", field.Name("Net.Embedding"), c.Net.Embedding, maxSize)
	f.add(c.Patience > 0 && c.EvalEvery < 0, "%s is %d, but %s says never to evaluate", field.Name("Patience"), c.Patience, every)
	_, known := metrics.FigureOf(c.Metric)
	f.add(!known, "%s is %q%s, want one of %s with a number in place of K", field.Name("Metric"), c.Metric, catalog.Hint(c.Metric, metrics.Names()), strings.Join(metrics.Names(), ", "))
	if _, err := ParseFewShot(c.FewShot); err != nil {
		f.add(true, "%s: %v", field.Name("FewShot"), err)
	}
	if _, err := datasets.ParseViews(c.EvalViews); err != nil {
		f.add(true, "%s: %v", field.Name("EvalViews"), err)
	}
	f.oneOf("Keep", string(c.Keep), string(Best), string(Last))
	f.add(!deviceName.MatchString(c.Device), "%s is %q, want cpu, cuda, cuda:N with the number of a GPU, or auto", field.Name("Device"), c.Device)
	net := c.Net
	if net.Backbone == "" && len(net.Hidden) > 0 {
		net.Backbone = "mlp" // if the data are vectors; with pictures New says what hidden layers need
	}
	f.addError(net.Validate(), "Net")
	if len(c.Loss) > maxLossBytes {
		f.add(true, "%s has %d characters, want at most %d", field.Name("Loss"), len(c.Loss), maxLossBytes)
	} else if _, err := losses.Parse(c.Loss, anyClasses); err != nil {
		f.add(true, "%s: %v", field.Name("Loss"), err)
	}
	c.Data.validate(&f)
	f.add(c.Average.Constant && c.Average.Decay == 0, "%s means nothing without %s, such as 0.999", field.Name("Average.Constant"), field.Name("Average.Decay"))
	c.FineTune.validate(net, &f)
	f.addError(c.Solver.Validate(), "Solver")
	f.addError(c.Schedule.Validate(), "Schedule")
	if n := c.Sampler.Name; n == "" || f.oneOf("Sampler.Name", n, samplers.Names()...) {
		f.addError(c.Sampler.Check(), "Sampler")
	}
	if m := c.Sampler.Miner; m != "" {
		_, err := miners.Parse(m)
		f.add(err != nil, "%s: %v", field.Name("Sampler.Miner"), err)
	}
	return f.err()
}

// maxLossBytes bounds the text of a loss: each term of a sum is a graph of its own.
const maxLossBytes = 1 << 13

// maxSize bounds sizes: nobody means more, and no memory holds it.
const maxSize = 1 << 16

// checkData returns an error that lists the settings of c that mean nothing with these data.
func (c Config) checkData(data runData) error {
	var f faults
	if data.Val == nil {
		f.add(c.Patience > 0, "%s is %d, but there are no validation classes to lose it over: give %s, or no patience", field.Name("Patience"), c.Patience, field.Name("Data.Val"))
		f.add(c.Schedule.Name == "plateau", "%s is plateau, but there are no validation classes to see one on: give %s, or another schedule", field.Name("Schedule.Name"), field.Name("Data.Val"))
	}
	c.checkCameras(data, &f)
	c.checkFewShot(data, &f)
	c.checkEvalViews(data, &f)
	shift := c.Data.Augment.RandomCrop
	f.add(shift > 0 && shift >= min(c.Net.Height, c.Net.Width), "%s is %d, which shifts pictures of %d×%d out of sight: want less",
		field.Name("Data.Augment.RandomCrop"), shift, c.Net.Height, c.Net.Width)
	return f.err()
}

// checkCameras lists the measured sets for which a metric that needs cameras has no value.
func (c Config) checkCameras(data runData, f *faults) {
	if figure, _ := metrics.FigureOf(c.Metric); !figure.Cameras {
		return
	}
	for _, part := range []struct {
		name string
		set  *items
	}{{SetValidation, data.Val}, {SetTest, data.Test}} {
		switch {
		case part.set == nil:
		case camerasOf(part.set).Of == nil:
			f.add(true, "%s is %s, but nothing says which cameras took the %s %s: choose by another one, or give a set that tells them (a table with a column camera, or names such as 0002_c1s1_000451_03.jpg beside folders query and gallery)",
				field.Name("Metric"), c.Metric, part.name, part.set.noun())
		case !matchedAcross(part.set):
			f.add(true, "%s is %s, but none of the %s %s is of one class with another camera's: there is nothing to find; choose by another one",
				field.Name("Metric"), c.Metric, part.name, part.set.noun())
		}
	}
}

// matchedAcross reports whether a query of d has a match in the gallery that its own camera
// did not take.
func matchedAcross(d *items) bool {
	labels, cameras := d.Labels(), camerasOf(d).Of
	of := make(map[int]map[int]int) // class → camera → pictures of the gallery
	inGallery := make(map[int]bool)
	for _, i := range d.Gallery() {
		if of[labels[i]] == nil {
			of[labels[i]] = make(map[int]int)
		}
		of[labels[i]][cameras[i]]++
		inGallery[i] = true
	}
	for _, i := range d.Queries() {
		for camera, n := range of[labels[i]] {
			if camera == cameras[i] && (camera >= 0 || inGallery[i] && n == 1) {
				continue
			}
			return true
		}
	}
	return false
}

// validateAlign refuses what stands against aligning faces.
func (d DataConfig) validateAlign(f *faults) {
	f.oneOf("Data.Align", string(d.Align), string(datasets.AlignArcFace), string(datasets.AlignNone))
	if d.Align != datasets.AlignArcFace {
		return
	}
	for _, other := range []struct {
		name  field.Name
		set   bool
		value any
	}{
		{"Data.Resize", d.Resize != datasets.Squeeze, d.Resize}, {"Data.CropPct", d.CropPct != 0, d.CropPct}, {"Data.Filter", d.Filter != datasets.Bilinear, d.Filter},
	} {
		f.add(other.set, "%s is %v, but %s %s brings faces to their size by their landmarks: leave one of them out", other.name, other.value, field.Name("Data.Align"), d.Align)
	}
}

func (d DataConfig) validate(f *faults) {
	const normalise, mean, std = field.Name("Data.Normalise"), field.Name("Data.Mean"), field.Name("Data.Std")
	f.oneOf("Data.Copies", string(d.Copies), string(TellCopies), string(LeaveOutCopies), string(IgnoreCopies))
	f.oneOf("Data.Resize", string(d.Resize), string(datasets.Squeeze), string(datasets.Crop), string(datasets.Pad))
	f.oneOf("Data.Filter", string(d.Filter), string(datasets.Bilinear), string(datasets.Bicubic))
	f.add(d.CropPct != 0 && d.Resize == datasets.Pad, "%s is %v, but %s is %s, which keeps the whole picture: leave one of them out",
		field.Name("Data.CropPct"), d.CropPct, field.Name("Data.Resize"), d.Resize)
	d.validateAlign(f)
	f.add(!datasets.ValidRange(d.Range), "%s is %q, want auto, full, or LOW/HIGH such as 0/4095", field.Name("Data.Range"), d.Range)
	f.oneOf("Data.Layout", string(cmp.Or(d.Layout, datasets.LayoutAuto)), string(datasets.LayoutAuto), string(datasets.LayoutFolders))
	f.oneOf(normalise, d.Normalise, "auto", "none", "given")
	f.add(d.Normalise == "given" && (len(d.Mean) == 0 || len(d.Std) == 0), "%s is given, but not %s", normalise, field.Names{mean, std})
	f.add(d.Normalise != "given" && len(d.Mean)+len(d.Std) > 0, "%s given, but %s is %s, want given", field.Names{mean, std}, normalise, d.Normalise)
	f.add(!slices.Contains([]int{0, 1, 3}, d.Channels), "%s is %d, want 1 (grey) or 3 (colour)", field.Name("Data.Channels"), d.Channels)
	f.add(!(d.Detail == 0 || d.Detail >= 1 && d.Detail <= 4), "%s is %v, want 1 … 4, or 0 for no copy of more detail", field.Name("Data.Detail"), d.Detail)
	for _, part := range []struct {
		name field.Name
		from string
	}{{"Data.Val", d.Val}, {"Data.Test", d.Test}} {
		if x, ok := datasets.Share(part.from); ok {
			f.add(!(x > 0 && x < 1), "%s is %s, want a fraction of the classes between 0 and 1, a path, or none", part.name, part.from)
		}
	}
	f.addError(d.Augment.Validate(), "Data.Augment")
}

// faults collects what is wrong.
type faults []*field.Error

func (f *faults) add(wrong bool, format string, args ...any) {
	if wrong {
		*f = append(*f, field.Errorf("trainer", "", format, args...))
	}
}

// addError adds an error of another package about fields below owner; it may hold several.
func (f *faults) addError(err error, owner string) {
	var about *field.Error
	var several interface{ Unwrap() []error }
	switch {
	case err == nil:
	case errors.As(err, &several):
		for _, e := range several.Unwrap() {
			f.addError(e, owner)
		}
	case errors.As(field.Under(err, "trainer", owner), &about):
		*f = append(*f, about)
	default:
		f.add(true, "%s: %v", field.Name(owner), err)
	}
}

// oneOf reports whether value is one of those that are known.
func (f *faults) oneOf(name field.Name, value string, known ...string) bool {
	ok := slices.Contains(known, value)
	f.add(!ok, "%s is %q%s, want one of %s", name, value, catalog.Hint(value, known), strings.Join(known, ", "))
	return ok
}

func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return configError{f}
}

// configError is all that is wrong with a configuration.
type configError struct{ faults []*field.Error }

// Unwrap lists the faults, for errors.As to look in.
func (e configError) Unwrap() []error {
	out := make([]error, len(e.faults))
	for i, f := range e.faults {
		out[i] = f
	}
	return out
}

func (e configError) Error() string {
	return "trainer: " + e.list(field.Plain)
}

// In is the list in other words for the fields; a single fault needs no heading there.
func (e configError) In(name func(field, value string) string) string {
	if len(e.faults) == 1 {
		return e.faults[0].In(name)
	}
	return e.list(name)
}

func (e configError) list(name func(field, value string) string) string {
	noun := "faults"
	if len(e.faults) == 1 {
		noun = "fault"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "the configuration has %d %s:", len(e.faults), noun)
	for _, f := range e.faults {
		b.WriteString("\n  " + f.In(name))
	}
	return b.String()
}

// Fields lists the fields that are named.
func (e configError) Fields() []string {
	var out []string
	for _, f := range e.faults {
		out = append(out, f.Fields()...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// FieldError is what errors about fields of a Config are: errors.As finds it in what
// Validate, Load and New return.
type FieldError interface {
	error
	// Fields lists the fields that the message names, such as Solver.LR of Config.
	Fields() []string
	// In is the message in other words for the fields, such as those of a program's flags:
	// name is a Naming.
	In(name func(field, value string) string) string
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
