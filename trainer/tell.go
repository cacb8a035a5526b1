package trainer

import (
	"context"

	"github.com/pkg/errors"
)

// The methods below call a point of a Hook, if the hook has a function there.

func (h Hook) start(ctx context.Context, i StartInfo) error {
	if h.Start == nil {
		return nil
	}
	return h.Start(ctx, i)
}

func (h Hook) beforeStep(ctx context.Context, step int) error {
	if h.BeforeStep == nil {
		return nil
	}
	return h.BeforeStep(ctx, step)
}

func (h Hook) between(ctx context.Context, i BetweenInfo) error {
	if h.Between == nil {
		return nil
	}
	return h.Between(ctx, i)
}

func (h Hook) ended(ctx context.Context, r Result) error {
	if h.Ended == nil {
		return nil
	}
	return h.Ended(ctx, r)
}

func (h Hook) step(ctx context.Context, i StepInfo) error {
	if h.Step == nil {
		return nil
	}
	return h.Step(ctx, i)
}

func (h Hook) evaluated(ctx context.Context, i EvalInfo) error {
	if h.Evaluated == nil {
		return nil
	}
	return h.Evaluated(ctx, i)
}

func (h Hook) saved(ctx context.Context, i SaveInfo) error {
	if h.Saved == nil {
		return nil
	}
	return h.Saved(ctx, i)
}

func (h Hook) warned(ctx context.Context, w Warning) error {
	if h.Warned == nil {
		return nil
	}
	return h.Warned(ctx, w)
}

// progress tells every hook how far a piece of work is.
func (t *Trainer) progress(ctx context.Context, work string, done, total int) {
	for _, h := range t.o.Hooks {
		if h.Progress != nil {
			h.Progress(ctx, ProgressInfo{Work: work, Done: done, Total: total})
		}
	}
}

// tellOwn calls the run's own hooks, up to the first error.
func (t *Trainer) tellOwn(call func(Hook) error) error {
	for _, h := range t.own {
		if err := call(h); err != nil {
			return err
		}
	}
	return nil
}

// tellAll calls the run's own hooks, then tells the warnings that they have, then calls the others.
func (t *Trainer) tellAll(ctx context.Context, call func(Hook) error) error {
	if err := t.tellOwn(call); err != nil {
		return err
	}
	for len(t.queue) > 0 {
		w := t.queue[0]
		t.queue = t.queue[1:]
		if err := t.warn(ctx, w); err != nil {
			return err
		}
	}
	return t.tellOthers(call)
}

// tellOthers calls the log and every hook that the run was given, which may use the trainer meanwhile.
func (t *Trainer) tellOthers(call func(Hook) error) error {
	lend := func(h Hook) error {
		t.use.End()
		defer t.use.Await()
		return call(h)
	}
	for _, h := range t.others {
		switch err := lend(h); {
		case errors.Is(err, ErrStop):
			t.noteStop()
		case err != nil:
			return &HookError{Err: err, Step: t.state.Step, Dir: string(t.dir)}
		}
	}
	return nil
}

// warn takes a warning of this step into the state, keeps it, and tells it.
func (t *Trainer) warn(ctx context.Context, w Warning) error {
	if err := t.record(ctx, &w); err != nil {
		return err
	}
	return t.tellOthers(func(h Hook) error { return h.warned(ctx, w) })
}

// record takes a warning of this step into the state, and keeps it.
func (t *Trainer) record(ctx context.Context, w *Warning) error {
	w.Step = t.state.Step
	t.state.Warnings = append(t.state.Warnings, *w)
	return t.tellOwn(func(h Hook) error { return h.warned(ctx, *w) })
}

func (t *Trainer) tellStart(ctx context.Context) error {
	i := t.start
	i.Weights = t.state.Weights
	i.Parameters, i.LossParams = t.Parameters()
	i.Dir, i.Items, i.Config = string(t.dir), t.data.Train.noun(), t.cfg
	i.Step, i.Steps, i.Batch, i.StepsPerEpoch = t.state.Step, t.cfg.Steps, t.Batch(), t.batches.sampler.BatchesPerEpoch()
	i.Groups = t.groups()
	return t.tellOthers(func(h Hook) error { return h.start(ctx, i) })
}
