package trainer

import (
	"context"

	"github.com/pkg/errors"
)

// Each point of a Hook, of one that may have none.

func (h Hook) start(ctx context.Context, i StartInfo) error {
	if h.Start == nil {
		return nil
	}
	return h.Start(ctx, i)
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

// keep calls the run's own hooks, which write down what a checkpoint refers to: before it, and
// before anybody else is told.
func (t *Trainer) keep(call func(Hook) error) error {
	for _, h := range t.own {
		if err := call(h); err != nil {
			return err
		}
	}
	return nil
}

// tell calls every hook that the run was given, which may use the trainer meanwhile.
func (t *Trainer) tell(call func(Hook) error) error {
	lend := func(h Hook) error {
		t.use.End()
		defer t.use.Await()
		return call(h)
	}
	for _, h := range t.o.Hooks {
		switch err := lend(h); {
		case errors.Is(err, ErrStop):
			t.stop()
		case err != nil:
			return &HookError{Err: err, Step: t.state.Step, Dir: string(t.dir)}
		}
	}
	return nil
}
