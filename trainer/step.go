package trainer

import (
	"context"
	"time"

	"github.com/pkg/errors"

	"medusa/datasets"
)

// pendingStep is a step that was begun and has not ended.
type pendingStep struct {
	number int
	batch  *datasets.Batch
	lr     float64
	began  time.Time
	waited time.Duration // for the batch
}

// step makes one step, from the batch to the moved weights. On the CPU the step is made when begin
// returns. On a device it goes on while the next batch is prepared, unless something must be read from
// the device first (see depth).
func (t *Trainer) step(ctx context.Context) (err error) {
	// A batch, which the sampler drew and workers prepared.
	if err := t.enterPhase(ctx, t.state.Step+len(t.pending)+1); err != nil {
		return err
	}
	p := pendingStep{number: t.state.Step + len(t.pending) + 1, began: time.Now()}
	if p.batch, err = t.batches.next(ctx); err != nil {
		return errors.Wrapf(err, "trainer: the batch of step %d", p.number)
	}
	p.waited = time.Since(p.began)
	err = t.tellAll(ctx, func(h Hook) error { return h.beforeStep(ctx, p.number) })
	// Its learning rate, and it as the graph's input.
	if err == nil {
		p.lr, err = t.rate(p.number)
	}
	if err == nil {
		err = t.batches.feed(p.batch, t.train, t.device)
		err = errors.Wrapf(err, "trainer: step %d", p.number)
	}
	// Embeddings, loss and gradients, and the weights moved by them.
	if err == nil {
		err = errors.Wrapf(t.begin(p.lr), "trainer: step %d", p.number)
	}
	if err != nil {
		p.batch.Release()
		return err
	}
	// Its end, or that of the one before, and what it did.
	t.pending = append(t.pending, p)
	return t.await(ctx, t.depth(p.number))
}

// rate is the learning rate of the step of that number.
func (t *Trainer) rate(number int) (float64, error) {
	factor := t.schedule.Factor(number)
	if !finite(factor) || factor < 0 {
		return 0, errors.Errorf("trainer: Options.Schedule gives %v at step %d, want a number of at least 0", factor, number)
	}
	return t.cfg.Solver.LR * factor, nil
}

// depth is how many steps may still be under way once the step of that number was begun: one on a
// device, and none if something must be read from the device before the next step overwrites it.
func (t *Trainer) depth(number int) int {
	if t.device == nil || t.batches.observer != nil || !t.state.Moved || t.logged(number) || t.evaluationDue(number) || t.checkpointDue(number) {
		return 0
	}
	return 1
}

// await ends steps until only so many are under way.
func (t *Trainer) await(ctx context.Context, depth int) error {
	for len(t.pending) > depth {
		p := t.pending[0]
		t.pending = t.pending[1:]
		err := t.end(ctx, p)
		p.batch.Release()
		if err != nil {
			if t.underWay() == 0 { // what was begun since was dropped
				for _, p := range t.pending {
					p.batch.Release()
				}
				t.pending = nil
			}
			return err
		}
	}
	return nil
}

// end waits for the first step under way, counts it, and tells what it did. A step that is not
// finite was not made.
func (t *Trainer) end(ctx context.Context, p pendingStep) error {
	r, err := t.learner.end()
	if err != nil {
		return errors.Wrapf(err, "trainer: step %d", p.number)
	}
	if !r.Made() {
		return t.notFinite(p.batch, r)
	}
	t.state.Step++
	t.state.Loss = r.Loss
	t.unsaved = true
	if err := t.batches.observeStep(p.batch, t.train, &t.state); err != nil {
		return err
	}
	t.figures.speed.ended(t.Batch(), p.began, p.waited, &t.state)
	i, err := t.observe(p, r)
	if err != nil {
		return err
	}
	return t.tellAll(ctx, func(h Hook) error { return h.step(ctx, i) })
}

// logged reports whether the step of that number is a line of metrics.jsonl.
func (t *Trainer) logged(number int) bool {
	return number%t.cfg.LogEvery == 0 || number == 1 || number == t.cfg.Steps
}
