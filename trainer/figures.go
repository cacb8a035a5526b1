package trainer

import (
	"math"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/optim"
)

// figures are what is measured of steps: the speed of all, and of logged ones how the embeddings of
// the batch lie.
type figures struct {
	speed  speed
	active *activeShare // nil if the loss does not tell its active share
	last   StepInfo     // what was told last, whose figures of a batch stay until the next logged step
}

// observe is what the hooks are told of the step just made.
func (t *Trainer) observe(p pendingStep, r optim.Result) (StepInfo, error) {
	s, f := &t.state, &t.figures
	i := &f.last
	i.Step, i.Steps, i.Loss, i.LR, i.GradNorm = s.Step, t.cfg.Steps, s.Loss, p.lr, math.Sqrt(r.Squared)
	i.Epoch = float64(s.Step) / float64(t.batches.sampler.BatchesPerEpoch())
	i.ImagesPerSecond, i.WaitShare = f.speed.rate(), f.speed.waitShare(s)
	i.ETA = f.speed.eta(t.cfg.Steps-s.Step, t.Batch())
	if i.Logged = t.logged(s.Step); !i.Logged {
		return *i, nil
	}
	if err := t.observeBatch(p.batch, i); err != nil {
		return *i, err
	}
	return *i, t.finiteFigures(p.batch, *i)
}

// observeBatch measures how the embeddings of the batch lie.
func (t *Trainer) observeBatch(b *datasets.Batch, i *StepInfo) error {
	x := t.train.embed.Float32s()
	if err := t.train.embed.Err(); err != nil {
		return errors.Wrapf(err, "trainer: the embeddings of step %d", i.Step)
	}
	spread := spreadOf(x, t.train.size, b.Classes)
	i.HasSpread, i.MeanPositive, i.MeanNegative, i.EmbeddingNorm = true, spread.positive, spread.negative, spread.norm
	if t.figures.active == nil {
		return nil
	}
	var err error
	i.HasActive = true
	i.ActiveShare, err = t.figures.active.measure(x, b.Labels)
	return errors.Wrapf(err, "trainer: step %d", i.Step)
}
