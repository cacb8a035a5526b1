package trainer

import (
	"cmp"
	"io"
	"log/slog"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/field"
)

// Data is what a run learns from and is measured on: pictures or vectors that Load read, or
// sets of one's own, which need no files. Val and Test may be nil.
type Data struct {
	Train, Val, Test datasets.Set
	Norm             datasets.Normalisation // of the training items, applied to all; none if zero
	Fitted           []Fitted               // what Load chose because nobody said: Data.Val
}

// runData is Data as the trainer uses them.
type runData struct {
	Train, Val, Test *items
	Norm             datasets.Normalisation
	Fitted           []Fitted
}

func (d Data) items() runData {
	return runData{itemsOf(d.Train), itemsOf(d.Val), itemsOf(d.Test), d.Norm, d.Fitted}
}

// data is the opposite of Data.items.
func (d runData) data() Data {
	all := Data{Norm: d.Norm, Fitted: d.Fitted}
	for _, part := range []struct {
		to  *datasets.Set
		set *items
	}{{&all.Train, d.Train}, {&all.Val, d.Val}, {&all.Test, d.Test}} {
		if part.set != nil {
			*part.to = part.set.Set
		}
	}
	return all
}

// check returns an error that names the set that no run can use: a program may give sets of its own.
func (d runData) check() error {
	for _, part := range []struct {
		field     string
		set, like *items
	}{{"Train", d.Train, nil}, {"Val", d.Val, d.Train}, {"Test", d.Test, d.Train}} {
		if part.set == nil {
			continue
		}
		var like datasets.Set
		if part.like != nil {
			like = part.like.Set
		}
		if err := datasets.Check(part.set.Set, like); err != nil {
			return errors.WithMessagef(err, "trainer: Data.%s", part.field)
		}
	}
	channels, _, _ := d.Train.Shape()
	return errors.WithMessage(d.Norm.Validate(channels), "trainer: Data.Norm")
}

// LoadOptions are the parts of Load that are not configuration.
type LoadOptions struct {
	Logger *slog.Logger
	// Progress is called now and then while folders are listed, with a total of 0, and while
	// pictures are decoded.
	Progress func(done, total int)
	// Stage, if not nil, is called where another part of the work begins, such as to look for
	// copies, whose progress is told next.
	Stage func(name string)
}

// Load opens the pictures that cfg names, cuts validation and test classes that share
// none with the training classes, and computes the normalisation, as datasets.Choose does:
// datasets.Choice says which validation classes there are where nothing is said of them. The
// cut depends on the names of the classes and on seed, which is Config.Seed. Close the Data
// when done.
func Load(cfg DataConfig, seed uint64, o LoadOptions) (d Data, err error) {
	cfg = Config{Data: cfg}.Defaults().Data
	var f faults
	cfg.validate(&f)
	if err := f.err(); err != nil {
		return d, err
	}
	c, err := datasets.Choose(cfg.Path, cfg.choice(seed, o), cfg.options(o))
	if err != nil {
		return d, field.UnderAll(err, "trainer", "Data")
	}
	d = Data{Train: setOf(c.Train), Val: setOf(c.Val), Test: setOf(c.Test), Norm: c.Norm}
	if c.Unasked != nil {
		d.Fitted = []Fitted{{Field: "Data.Val", Value: c.Unasked.Value, Reason: c.Unasked.Reason}}
	}
	return d, nil
}

// choice is what the configuration says about parts and classes.
func (c DataConfig) choice(seed uint64, o LoadOptions) datasets.Choice {
	return datasets.Choice{
		Val: c.Val, Test: c.Test, TrainClasses: c.TrainClasses, TestClasses: c.TestClasses, Copies: c.Copies, TurnedClasses: c.TurnedClasses,
		Normalise: c.Normalise, Mean: c.Mean, Std: c.Std, Seed: seed, Uncounted: c.firstRule, Stage: o.Stage,
	}
}

// Close gives back the files that sets hold open: those that Load made, and those of one's
// own that have a method Close.
func (d Data) Close() error {
	var first error
	for _, s := range []datasets.Set{d.Train, d.Val, d.Test} {
		closer, ok := s.(io.Closer)
		if !ok || itemsOf(s) == nil {
			continue
		}
		if err := closer.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

func (c DataConfig) options(o LoadOptions) datasets.Options {
	return datasets.Options{
		Height: c.Height, Width: c.Width, Channels: c.Channels, Resize: c.Resize, CropPct: c.CropPct, Filter: c.Filter, Align: c.Align, Invert: c.Invert, Detail: c.Detail, Range: c.Range,
		MaxPixels: c.MaxPixels, Strict: c.Strict, DropDuplicates: c.DropDuplicates,
		CacheBytes: c.CacheBytes, CacheDir: c.CacheDir, KeepCache: c.KeepCache, Workers: c.Workers,
		Layout: c.Layout, Columns: c.Columns,
		Logger: o.Logger, Progress: o.Progress,
	}
}

// storedRange is the range of a stored run or model. One that names none was made before there was a
// choice, when all values were read in full.
func storedRange(stored string) string { return cmp.Or(stored, datasets.RangeFull) }
