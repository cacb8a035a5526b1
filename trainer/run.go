package trainer

import (
	"context"
	"fmt"
	"time"

	"github.com/pkg/errors"

	"medusa/internal/needs"
	"medusa/internal/runfolder"
)

// Run trains to the end and leaves the model, the embeddings of the measured pictures,
// the report and, last of all, result.json in the run folder; the weights are then those
// of the model. When ctx ends, it saves a checkpoint and returns the result so far with
// StopInterrupted and no error: Resume goes on. Errors also leave a checkpoint of the
// last good state; the error of a hook is a HookError, one of finishing a FinishError. A
// Trainer runs once.
func (t *Trainer) Run(ctx context.Context) (r Result, err error) {
	if err := needs.Context("trainer", ctx); err != nil {
		return r, err
	}
	if err := t.use.Begin(theTrainer); err != nil {
		return r, err
	}
	defer t.use.End()
	if t.stage != prepared {
		return r, errors.New("trainer: a Trainer runs once: make another one with Resume")
	}
	if err := t.takeBack(false); err != nil {
		return r, err
	}
	t.stage, t.running = begun, true
	defer func() { t.running = false }()
	began := time.Now()
	held := t.lock
	if held == nil {
		return r, errors.New("trainer: the Trainer is closed: make another one with Resume")
	}
	t.lock = nil
	if err := t.openLog(held); err != nil {
		return r, err
	}
	defer func() {
		if e := t.log.Close(); err == nil {
			err = e
		}
	}()
	events, err := t.dir.OpenEvents(t.state.Step)
	if err != nil {
		return r, inTrainer(err)
	}
	defer func() {
		if e := events.Close(); err == nil {
			err = e
		}
	}()
	t.attach(events)
	if t.finished != nil {
		err = t.complete(ctx, &r, began)
	} else if r.Stop, err = t.learn(ctx); err == nil {
		err = t.finish(ctx, &r, began)
	}
	if err == nil {
		t.stage = settled
		err = t.solver.TakeAverages()
	}
	if err == nil {
		err = t.tellOthers(func(h Hook) error { return h.ended(ctx, r) })
	}
	var hook *HookError
	if t.stage == settled {
		if errors.As(err, &hook) {
			hook.Model, hook.ModelStep = r.Model, r.ModelStep
		}
		return r, err
	}
	r.Stop = StopInterrupted
	t.completeResult(&r, began)
	switch {
	case ctx.Err() != nil && errors.Is(err, ctx.Err()) && !errors.Is(err, errSave):
		t.o.Logger.Info("stopped", "step", t.state.Step, "resume", string(t.dir))
		return r, nil
	case errors.As(err, &hook) && !errors.Is(err, errSave):
		if e := t.leaveModel(ctx, hook, &r); e != nil {
			err = bothErrors{err, e}
		}
	}
	return r, err
}

// attach sets up the hooks. The run's own hooks come first, since they write what a checkpoint refers
// to; then the log; then the hooks of Options.
func (t *Trainer) attach(events *runfolder.Events) {
	warn := func(w Warning) { t.queue = append(t.queue, w) }
	t.own = []Hook{
		logMetrics(t.log), plotMetrics(events), t.report.remember(),
		checkFirstStep(t.learner, &t.state.Moved, warn), warnOfHealth(&t.state.Watch, t.data.Train.NumClasses(), t.data.Train.noun(), warn),
		{Between: t.saveIfDue},
	}
	t.others = append([]Hook{logTo(t.o.Logger)}, t.o.Hooks...)
}

// openLog opens metrics.jsonl where the run goes on; that of a finished run stays as it is.
func (t *Trainer) openLog(held *runfolder.Lock) (err error) {
	var lost bool
	if t.finished != nil {
		t.log, lost, err = held.WholeMetricsLog()
	} else {
		t.log, lost, err = held.MetricsLog(t.state.LogBytes, t.state.LogSum)
	}
	if lost {
		t.notice(fmt.Sprintf("%s is empty: its lines up to step %d are lost, and the curves begin there", t.log.Name(), t.state.Step))
	}
	return inTrainer(err)
}

// learn makes the steps that are left. Whatever ends it early, the last good state is
// saved first.
func (t *Trainer) learn(ctx context.Context) (Stop, error) {
	if err := t.tellStart(ctx); err != nil {
		return StopInterrupted, err
	}
	if err := t.openBatches(ctx); err != nil {
		return StopInterrupted, err
	}
	defer t.batches.close()
	stop, err := t.loop(ctx)
	if err == nil {
		return stop, nil
	}
	if e := t.await(context.WithoutCancel(ctx), 0); e != nil {
		err = bothErrors{err, e}
	}
	if t.unsaved && !errors.Is(err, errSave) {
		if e := t.save(context.WithoutCancel(ctx), LastFile, "last"); e != nil {
			err = bothErrors{err, e}
		}
	}
	return StopInterrupted, err
}

// loop makes one step after the other until there is a reason to stop.
func (t *Trainer) loop(ctx context.Context) (Stop, error) {
	if t.lostBest {
		if err := t.saveBest(ctx); err != nil {
			return "", err
		}
		t.lostBest = false
	}
	for {
		if t.state.Stopped {
			if err := t.await(ctx, 0); err != nil {
				return "", err
			}
		}
		if err := t.evaluateIfDue(ctx); err != nil {
			return "", err
		}
		i := BetweenInfo{Step: t.state.Step, Steps: t.cfg.Steps, Stop: t.stopReason()}
		if err := t.tellAll(ctx, func(h Hook) error { return h.between(ctx, i) }); err != nil {
			return "", err
		}
		switch {
		case i.Stop != "":
			return i.Stop, nil
		case t.state.Stopped: // since, by a hook
			continue
		}
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if err := t.step(ctx); err != nil {
			return "", err
		}
	}
}

// stopReason is the reason to stop; empty if the run goes on.
func (t *Trainer) stopReason() Stop {
	switch s := &t.state; {
	case s.Step >= t.cfg.Steps:
		return StopDone
	case t.cfg.Patience > 0 && s.HasBest && s.Stale >= t.cfg.Patience:
		return StopPatience
	case s.Stopped:
		return StopHook
	}
	return ""
}

// bothErrors is what ended a run, and why it could not be saved then.
type bothErrors [2]error

func (e bothErrors) Error() string   { return e[0].Error() + "; and then: " + e[1].Error() }
func (e bothErrors) Unwrap() []error { return e[:] }
