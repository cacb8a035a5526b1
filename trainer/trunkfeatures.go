package trainer

import (
	"context"
	"fmt"
	"time"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/datasets"
	"medusa/graph"
	"medusa/internal/wording"
	"medusa/machine"
	"medusa/nets"
)

// Where the whole backbone is frozen and pictures are not changed at random, its features of a picture are the same in every
// step. Then they are made once for all, and steps see them in place of pictures, until the backbone begins to learn. The
// kernels are those of a training step, whose results for a picture do not depend on the others of its batch: so a run has
// the same bits as without.

// trunk makes features of pictures as a step of training does.
type trunk struct {
	pictures []float32   // (rows, C, H, W)
	features *graph.Kept // (rows, F)
	rows     int
	graph    *gorgonia.ExprGraph
	vm       gorgonia.VM
}

// newTrunk builds the backbone for batches of so many pictures; its parameters are made in params if they are not there.
func newTrunk(cfg nets.Config, params *graph.Params, rows int, dev *machine.Device) (*trunk, error) {
	t := &trunk{rows: rows, graph: gorgonia.NewGraph()}
	x, pictures := subject{net: cfg}.input(t.graph, rows)
	t.pictures = pictures
	out, err := nets.BuildTrunk(cfg, params, x, nets.Train)
	if err != nil {
		return nil, err
	}
	if t.features, err = graph.Keep(out); err != nil {
		return nil, err
	}
	t.vm, err = machine.On(t.graph, dev, params)
	return t, err
}

func (t *trunk) run(pictures []float32) (err error) {
	defer graph.Guard("running the backbone", &err)
	copy(t.pictures, pictures)
	t.vm.Reset()
	if err := t.vm.RunAll(); err != nil {
		return err
	}
	t.features.Float32s()
	return t.features.Err()
}

// openTrunk decides whether steps of the phase at hand see features, and builds what makes them.
func (l *learner) openTrunk() (err error) {
	l.features = 0
	if l.parts.features != nil {
		l.features = l.parts.features(l.phase)
	}
	if l.features == 0 {
		return l.dropTrunk()
	}
	if l.trunk == nil {
		if l.trunk, err = newTrunk(l.net, l.params, l.parts.batch/max(l.cfg.Accumulate, 1), l.device); err != nil {
			return err
		}
	}
	if isRandom(l.params) {
		l.features = 0
		return l.dropTrunk()
	}
	return nil
}

func (l *learner) dropTrunk() error {
	if l.trunk == nil {
		return nil
	}
	t := l.trunk
	l.trunk = nil
	l.params.Forget(t.graph)
	l.device.Release(t.pictures)
	return t.vm.Close()
}

// isRandom reports whether a backbone has a state besides running statistics, such as that of dropout: it is another one in
// each step.
func isRandom(params *graph.Params) bool {
	for _, item := range params.Under(nets.BackbonePrefix) {
		if item.Buffer && !isStatistic(item.Name) {
			return true
		}
	}
	return false
}

// featureSet is the training set as the frozen backbone sees it.
type featureSet struct {
	datasets.Set           // whose labels these are
	rows         []float32 // (N, F)
	size         int       // F
}

// Shape is that of vectors.
func (s *featureSet) Shape() (channels, height, width int) { return s.size, 1, 1 }

// Fill writes features, as they are.
func (s *featureSet) Fill(dst []float32, items []int, _ datasets.Normalisation) error {
	for k, i := range items {
		copy(dst[k*s.size:(k+1)*s.size], s.rows[i*s.size:])
	}
	return nil
}

// featuresIn is how many features stand for a picture in a phase; 0 where steps see pictures.
func (t *Trainer) featuresIn(p *plan, phase int) int {
	switch {
	case t.o.everyStep || p == nil || !p.backboneFrozen(phase) || t.cfg.Data.Augment != datasets.Augment{}:
		return 0
	case t.tooShort(p, phase):
		return 0
	}
	if _, sampled := t.data.Train.Set.(datasets.Sampled); sampled && t.data.Train.dataset() == nil {
		return 0
	}
	size, err := t.cfg.Net.TrunkSize()
	if err != nil || int64(size)*int64(t.data.Train.Len())*4 > t.cfg.Data.cacheBytes() {
		return 0
	}
	return size
}

// tooShort reports whether a phase has fewer pictures than the training set.
func (t *Trainer) tooShort(p *plan, phase int) bool {
	return (p.end(phase, t.cfg.Steps)-phase+1)*t.Batch() < t.data.Train.Len()
}

func (c DataConfig) cacheBytes() int64 {
	if c.CacheBytes > 0 {
		return c.CacheBytes
	}
	return datasets.DefaultCacheBytes
}

// backboneFrozen reports whether no parameter of the backbone learns in a phase.
func (p *plan) backboneFrozen(phase int) bool {
	for _, s := range p.stages {
		for _, name := range s.Params() {
			if p.of(nets.BackbonePrefix+name).from <= phase {
				return false
			}
		}
	}
	return true
}

// end is the last step of the phases, from one on, in which the backbone stays frozen, in a run of so many steps.
func (p *plan) end(phase, steps int) int {
	for _, s := range p.starts {
		if s > phase && !p.backboneFrozen(s) {
			return min(s-1, steps)
		}
	}
	return steps
}

// openBatches starts to prepare the batches after the state's step: of pictures, or of features that are made first.
func (t *Trainer) openBatches(ctx context.Context) error {
	b := &t.batches
	var err error
	switch {
	case t.features == 0:
		b.seen = nil
		err = b.pinPictures(t.train, t.device, t.o.Notice)
	case b.seen == nil:
		b.seen, err = t.makeFeatures(ctx)
	}
	if err != nil {
		return err
	}
	return b.open(t.cfg, t.device, t.state.Step, t.state.Drawn)
}

// followFeatures makes the batches what steps see in a new phase; before it they saw so many features.
func (t *Trainer) followFeatures(ctx context.Context, was int) error {
	if t.features != was {
		return t.reopenBatches(ctx)
	}
	return t.dropTrunk() // what it would make is there
}

// reopenBatches makes the next batches anew, of what steps see from now on.
func (t *Trainer) reopenBatches(ctx context.Context) error {
	at, err := t.batches.samplerState(t.state.Step)
	if err != nil {
		return err
	}
	t.batches.close()
	if err := t.batches.restore(at, t.state.Drawn); err != nil {
		return err
	}
	return t.openBatches(ctx)
}

// makeFeatures runs the backbone over the training set.
func (t *Trainer) makeFeatures(ctx context.Context) (*featureSet, error) {
	began, train := time.Now(), t.data.Train
	n := train.Len()
	set := &featureSet{Set: train.Set, size: t.features, rows: make([]float32, n*t.features)}
	next := 0
	loader, err := datasets.NewLoader(train.Set, datasets.LoaderConfig{
		Normalisation: t.data.Norm, Batch: t.trunk.rows, Workers: t.cfg.Data.Workers, Ahead: t.cfg.Data.Ahead,
	}, func(dst []int) error {
		for i := range dst {
			dst[i] = min(next, n-1)
			next++
		}
		return nil
	}, 0)
	if err != nil {
		return nil, errors.WithMessage(err, "trainer")
	}
	defer loader.Close()
	for done := 0; done < n; done += t.trunk.rows {
		t.progress(ctx, "running the frozen backbone over all "+train.noun(), done, n)
		batch, err := loader.Next(ctx)
		if err != nil {
			return nil, errors.WithMessage(err, "trainer: the features of the frozen backbone")
		}
		err = t.trunk.run(batch.Pixels)
		batch.Release()
		if err != nil {
			return nil, errors.WithMessage(err, "trainer: the features of the frozen backbone")
		}
		copy(set.rows[done*t.features:], t.trunk.features.Float32s())
	}
	t.notice(fmt.Sprintf("the backbone is frozen: its %s of each of %s were made once, in %.1f s, and steps see these",
		wording.Number(t.features, "features"), wording.Number(n, train.noun()), time.Since(began).Seconds()))
	return set, t.dropTrunk()
}
