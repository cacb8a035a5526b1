package nets

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/field"
)

// InspectWeights reads the file at path as LoadWeights does, and refuses what that refuses, but loads nothing. It gives cfg
// with what it leaves open and the file tells: the backbone, the stem of a ResNet, what normalisations add to variances,
// colour, and the size of pictures that the weights were trained with.
func InspectWeights(path string, cfg Config) (_ Config, report WeightsReport, err error) {
	defer graph.Guard("reading weights", &err)
	l, err := openWeights(path, cfg)
	if err != nil {
		return cfg, report, err
	}
	defer l.file.Close()
	if cfg.Backbone == "" && cfg.given == nil {
		if cfg.Backbone = l.nearest(); cfg.Backbone == "" {
			return cfg, report, l.noBackbone()
		}
	}
	if cfg, err = l.fitConfig(cfg); err != nil {
		return cfg, report, err
	}
	params, err := l.aim(cfg)
	if err != nil {
		return cfg, report, err
	}
	if err := l.choose(); err != nil {
		return cfg, report, err
	}
	if err := l.read(); err != nil {
		return cfg, report, errors.WithMessagef(err, "nets: %s", path)
	}
	if report, err = l.report(params); err == nil {
		cfg.NormEps = cmp.Or(cfg.NormEps, report.NormEps)
		cfg.SamePad = cfg.SamePad || report.SamePad
	}
	return cfg, report, err
}

// aim has l look for the tensors of the network of cfg, without values.
func (l *loading) aim(cfg Config) (*graph.Params, error) {
	r, err := cfg.describe()
	if err != nil {
		return nil, err
	}
	l.cfg, l.targets = cfg.withDefaults(), targetsOf(r.params)
	return r.params, nil
}

// fitConfig is cfg with colour, size and stem as the file has them.
func (l *loading) fitConfig(cfg Config) (Config, error) {
	probe := cfg
	setInt(&probe.InChannels, 3)
	probe.Height, probe.Width = sidesOf(cfg, probeSide(cfg.Backbone))
	stemmed := strings.HasPrefix(cfg.Backbone, "resnet") && cfg.given == nil
	if stemmed && cfg.Stem == "" {
		probe.Stem = "standard"
	}
	if _, err := l.aim(probe); err != nil {
		return cfg, err
	}
	if l.match() == 0 {
		return cfg, l.unknownNames()
	}
	setInt(&cfg.InChannels, l.channels())
	if stemmed {
		if err := l.fitStem(&cfg); err != nil {
			return cfg, err
		}
	}
	p := l.beside.preparation.or(l.usual(""))
	cfg.Height, cfg.Width = sidesOf(cfg, p.Height)
	return cfg, nil
}

// channels is how many channels of pictures the stored filters see: 3, or 1 where those that should see 3 see one.
func (l *loading) channels() int {
	for name, item := range l.targets {
		want, sources := item.Shape(), l.found[name]
		if len(want) == 4 && want[1] == 3 && len(sources) > 0 && len(sources[0].Shape) == 4 && sources[0].Shape[1] == 1 {
			return 1
		}
	}
	return 3
}

// sidesOf are the sides of cfg, or those of a square.
func sidesOf(cfg Config, side int) (height, width int) {
	setInt(&cfg.Height, side)
	setInt(&cfg.Width, side)
	return cfg.Height, cfg.Width
}

// probeSide is a size of pictures that a backbone takes.
func probeSide(backbone string) int {
	if strings.HasPrefix(backbone, "iresnet") || backbone == "mobilefacenet" {
		return 112
	}
	return 224
}

// fitStem takes the stem that the file has, unless another one was asked for.
func (l *loading) fitStem(cfg *Config) error {
	sources := l.found["conv1.weight"]
	if len(sources) == 0 || len(sources[0].Shape) != 4 {
		return nil // told elsewhere
	}
	stored := "standard"
	if sources[0].Shape[2] == 3 {
		stored = "small"
	}
	if cfg.Stem == "" {
		cfg.Stem = stored
	}
	if given := cfg.Stem; given != stored {
		return field.Errorf("nets", "", "%s is %s, but the weights in %s have the %s one (filters of %d×%d): leave it out", field.Name("Stem"), given, l.path, stored,
			sources[0].Shape[2], sources[0].Shape[3])
	}
	return nil
}

// noBackbone says that no backbone of this package has its tensors in the file.
func (l *loading) noBackbone() error {
	return field.Errorf("nets", "", "%s holds the whole of no backbone that is known, so say by %s which one it is of: its names are %s", l.path, field.Name("Backbone"), few(l.names()))
}

func (l *loading) names() (names []string) {
	for _, t := range l.file.Tensors {
		names = append(names, t.Name)
	}
	return names
}

// nearest is the backbone of this package all of whose tensors are in the file, and most; none is "".
func (l *loading) nearest() (name string) {
	most := 0
	for other, targets := range ownTensors() {
		n := l.whole(targets)
		if n > most || n == most && n > 0 && other < name {
			most, name = n, other
		}
	}
	return name
}

// ownTensors are the tensors of this package's backbones that weights of others exist for, without values.
var ownTensors = sync.OnceValue(func() map[string]map[string]*graph.Param {
	all := map[string]map[string]*graph.Param{}
	for _, name := range Names() {
		if !provided(name) || name == "mlp" || name == "cnn" {
			continue
		}
		cfg := Config{Backbone: name, InChannels: 3, Height: probeSide(name), Width: probeSide(name)}
		if strings.HasPrefix(name, "resnet") {
			cfg.Stem = "standard"
		}
		if r, err := cfg.describe(); err == nil {
			all[name] = targetsOf(r.params)
		}
	}
	return all
})

// whole is how many tensors a backbone has if all of them are in the file, in their shapes but for positions; else 0.
func (l *loading) whole(targets map[string]*graph.Param) int {
	other := &loading{path: l.path, file: l.file, known: l.known, targets: targets}
	if other.match() < len(targets) {
		return 0
	}
	for name, item := range targets {
		if !other.fits(name, item.Shape()) {
			return 0
		}
	}
	return len(targets)
}

// fits reports whether a stored tensor seems to be one of the backbone's, as far as shapes tell.
func (l *loading) fits(name string, want tensor.Shape) bool {
	sources := l.found[name]
	if len(sources) == 0 {
		return false
	}
	s := sources[0]
	stem := name == "conv1.weight" && len(s.Shape) == 4 && len(want) == 4 && s.Shape[0] == want[0] // of either size
	return s.of > 0 || s.thirds[1] > 0 || name == "pos_embed" || stem || slices.Equal(withoutOnes(s.Shape), withoutOnes(want))
}
