package trainer

import (
	"log/slog"
	"os"
	"strconv"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/field"
)

// Data is the pictures of a run. Val and Test may be nil.
type Data struct {
	Train, Val, Test *datasets.Dataset
	Norm             datasets.Normalisation // of the training pictures, applied to all
}

// LoadOptions are the parts of Load that are not configuration.
type LoadOptions struct {
	Logger *slog.Logger
	// Progress is called now and then while folders are listed, with a total of 0, and while
	// pictures are decoded.
	Progress func(done, total int)
}

// Load opens the pictures that cfg names, cuts validation and test classes that share
// none with the training classes, and computes the normalisation. The cut depends on the
// names of the classes and on seed, which is Config.Seed. Close the Data when done.
func Load(cfg DataConfig, seed uint64, o LoadOptions) (d Data, err error) {
	cfg = Config{Data: cfg}.Defaults().Data
	var f faults
	cfg.validate(&f)
	if err := f.err(); err != nil {
		return d, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	split, err := datasets.Open(cfg.Path, cfg.options(o))
	if err != nil {
		return d, field.Under(err, "trainer", "Data")
	}
	d.Train = split.Train
	if d.Train == nil {
		split.Close()
		return d, field.Errorf("trainer", "", "%s: %s has no pictures to learn from: want folders of classes, or a folder train of them", field.Name("Data.Path"), shown(cfg.Path))
	}
	p := parts{cfg: cfg, seed: seed, o: o}
	found, err := p.choose(split)
	if err != nil {
		return d, err
	}
	if d.Test, err = p.part("test", cfg.Test, found, 0); err != nil {
		return d, err
	}
	if !p.parted {
		if d.Test, err = choose(d.Test, testClasses, cfg.TestClasses); err != nil {
			return d, err
		}
	}
	if d.Val, err = p.part("val", cfg.Val, split.Val, defaultVal); err != nil {
		return d, err
	}
	d.Train = p.train
	if err := d.disjoint(cfg, o.Logger); err != nil {
		return d, err
	}
	if err := d.separate(cfg.Copies); err != nil {
		return d, err
	}
	d.Norm, err = cfg.normalisation(d.Train)
	return d, err
}

// separate looks for pictures that stand in more than one part.
func (d *Data) separate(c Copies) error {
	if c == IgnoreCopies {
		return nil
	}
	s, err := datasets.Split{Train: d.Train, Val: d.Val, Test: d.Test}.TellCopies(c == LeaveOutCopies)
	if err != nil {
		return field.Errorf("trainer", "Data", "%s: %v", field.Name("Copies"), err)
	}
	d.Train, d.Val, d.Test = s.Train, s.Val, s.Test
	return nil
}

// Close gives cache files back.
func (d Data) Close() error {
	var first error
	for _, s := range []*datasets.Dataset{d.Train, d.Val, d.Test} {
		if s == nil {
			continue
		}
		if err := s.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

const (
	defaultVal = 0.1 // of the training classes
	enough     = 10  // training classes from which on validation classes are cut unasked
)

func (c DataConfig) options(o LoadOptions) datasets.Options {
	return datasets.Options{
		Height: c.Height, Width: c.Width, Channels: c.Channels, Resize: c.Resize, Invert: c.Invert, Detail: c.Detail,
		MaxPixels: c.MaxPixels, Strict: c.Strict, DropDuplicates: c.DropDuplicates,
		CacheBytes: c.CacheBytes, CacheDir: c.CacheDir, Workers: c.Workers,
		Layout: c.Layout, Columns: c.Columns,
		Logger: o.Logger, Progress: o.Progress,
	}
}

// partFields are the fields that say where a part comes from.
var partFields = map[string]field.Name{"val": "Val", "test": "Test"}

// parts takes validation and test classes from where the configuration says.
type parts struct {
	cfg    DataConfig
	seed   uint64
	o      LoadOptions
	train  *datasets.Dataset
	parted bool // TestClasses has been obeyed
}

// part is a set of classes to measure on: from names its place, found is what lies beside
// the training pictures, and unasked the fraction that is cut where nothing is said.
func (p *parts) part(name, from string, found *datasets.Dataset, unasked float64) (*datasets.Dataset, error) {
	share, isShare := fraction(from)
	switch {
	case from == "none":
		return nil, nil
	case from == "" && found != nil:
		return found, nil
	case from == "" && (unasked == 0 || p.train.NumClasses() < enough):
		return nil, nil
	case from == "":
		return p.cut(name, unasked)
	case isShare:
		return p.cut(name, share)
	}
	return p.open(name, from)
}

func (p *parts) cut(name string, share float64) (*datasets.Dataset, error) {
	train, part, err := p.train.SplitClasses(share, p.seed)
	if err != nil {
		return nil, field.Errorf("trainer", "Data", "%s: cutting %v of the classes: %v", partFields[name], share, err)
	}
	p.train = train
	return part, nil
}

// open reads another place with the size and channels of the training pictures.
func (p *parts) open(name, path string) (*datasets.Dataset, error) {
	c := p.cfg
	c.Channels, c.Height, c.Width = p.train.Shape()
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		c.Columns = "" // they name those of a table, and this is another place
	}
	split, err := datasets.Open(path, c.options(p.o))
	if err != nil {
		return nil, field.Errorf("trainer", "Data", "%s: %v", partFields[name], field.Under(err, "trainer", "Data"))
	}
	own := split.Test
	if name == "val" && split.Val != nil || own == nil {
		own = split.Val
	}
	if own == nil {
		own = split.Train
	}
	return own, nil
}

// disjoint tells where weights are chosen, or the final figures are, on classes that are
// learned, in other pictures. It refuses to choose them on the pictures that are learned.
func (d Data) disjoint(cfg DataConfig, log *slog.Logger) error {
	for _, part := range []struct {
		name, from string
		set        *datasets.Dataset
	}{{"validation", cfg.Val, d.Val}, {"test", "", d.Test}} {
		if part.set == nil {
			continue
		}
		s := datasets.SharedClasses(d.Train, part.set)
		if len(s) == 0 {
			continue
		}
		if part.from != "" {
			same, err := datasets.FindNearCopies(part.set, d.Train)
			if err != nil {
				return field.Errorf("trainer", "Data", "%s: %v", field.Name("Val"), err)
			}
			if 2*len(same) > part.set.Len() {
				return field.Errorf("trainer", "Data", "%d of %d validation pictures are also learned, such as %s: "+
					"give pictures of their own, a fraction, or none as %s", len(same), part.set.Len(), part.set.Path(same[0].Picture), field.Name("Val"))
			}
		}
		log.Warn(part.name+" classes are also learned: the figures are not about unseen classes", "shared", len(s), "example", s[0])
	}
	return nil
}

// given is what is wrong with a normalisation that the configuration gives.
func given(err error) error {
	if err == nil {
		return nil
	}
	return field.Errorf("trainer", "Data", "%s and %s: %v", field.Name("Mean"), field.Name("Std"), err)
}

func (c DataConfig) normalisation(train *datasets.Dataset) (datasets.Normalisation, error) {
	channels, _, _ := train.Shape()
	switch c.Normalise {
	case "none":
		return datasets.Normalisation{}, nil
	case "given":
		n := datasets.Normalisation{Mean: c.Mean, Std: c.Std}
		return n, given(n.Validate(channels))
	}
	n, err := train.ComputeNormalisation()
	return n, errors.Wrap(err, "trainer: normalisation")
}

// fraction reads a number; a path is none.
func fraction(s string) (float64, bool) {
	x, err := strconv.ParseFloat(s, 64)
	return x, err == nil
}

func shown(path string) string {
	if path == "" {
		return "the embedded data"
	}
	return path
}
