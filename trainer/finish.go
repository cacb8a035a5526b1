package trainer

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/pkg/errors"

	"medusa/internal/device/cpu"
	"medusa/internal/field"
)

// finish makes the model of the best or the last weights and measures it.
func (t *Trainer) finish(ctx context.Context) (r Result, err error) {
	r.Kept, r.ModelStep = Last, t.state.Step
	if t.cfg.Keep == Best && t.state.HasBest {
		r.Kept, r.ModelStep = Best, t.state.BestStep
		if err := t.takeBest(); err != nil {
			return r, err
		}
	}
	t.progress(ctx, "writing the model", 0, 0)
	if err := t.writeModel(r.ModelStep); err != nil {
		return r, err
	}
	if err := t.tellSaved(ctx, ModelFile, "model"); err != nil {
		return r, err
	}
	d, set := t.data.Test, SetTest
	if d == nil {
		d, set = t.data.Val, SetValidation
	}
	if d == nil {
		return r, nil
	}
	i, err := t.evaluate(ctx, d, set, After)
	if err != nil {
		return r, err
	}
	i.BestValue, i.BestStep = t.state.BestValue, t.state.BestStep
	r.After, r.On = &i.Result, set
	if err := t.journal.addEval(i); err != nil {
		return r, err
	}
	if err := t.board.evaluated(i); err != nil {
		return r, err
	}
	return r, t.tellEvaluated(ctx, i)
}

// takeBest puts the best weights in place of the last ones, which are saved already.
func (t *Trainer) takeBest() error {
	if t.state.BestStep == t.state.Step {
		return nil
	}
	best, err := readCheckpoint(t.dir.path(BestFile))
	if err != nil {
		return field.Errorf("trainer", "", "the model should be the weights of step %d, which are lost: "+
			"put them back, or begin a new run with %s %s: %v", t.state.BestStep, field.Name("Keep"), Last, err)
	}
	if best.state.Step != t.state.BestStep {
		return errors.Errorf("trainer: %s is of step %d, want the best step %d: it was exchanged", t.dir.path(BestFile), best.state.Step, t.state.BestStep)
	}
	if err := best.restore(t.params, t.own, t.solver); err != nil {
		return err
	}
	return t.push()
}

// fill completes the result.
func (t *Trainer) fill(r *Result, stop Stop, began time.Time) {
	s := &t.state
	r.Stop, r.Steps, r.FinalLoss, r.Warnings = stop, s.Step, s.Loss, s.Warnings
	r.Before = s.Before
	if s.HasBest {
		r.Metric, r.BestValue, r.BestStep = t.cfg.Metric, s.BestValue, s.BestStep
	}
	if s.TrainTime > 0 {
		r.ImagesPerSecond = float64(s.Timed*t.sampler.Batch()) / s.TrainTime
	}
	r.WaitShare = t.pace.waitShare(s)
	r.Seconds = time.Since(began).Seconds()
	r.PeakRSS, r.DeviceMemory = peakRSS(), t.device.Allocated()
	r.Parameters, _ = t.Parameters()
	r.Seed, r.Device, r.Threads = t.cfg.Seed, t.cfg.Device, cpu.Threads()
	r.Dir = string(t.dir)
	if stop != StopInterrupted {
		r.Model = t.dir.path(ModelFile)
	}
}

func (t *Trainer) writeResult(r Result) error {
	return t.dir.write(ResultFile, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	})
}
