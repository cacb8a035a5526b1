package trainer

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/pkg/errors"

	"medusa/internal/device/cpu"
	"medusa/internal/field"
)

// finish makes what a run leaves behind, in this order: the model, the embeddings of the
// measured pictures, the report, and the result. Whoever finds the result finds the
// others too, unless they were taken away since.
func (t *Trainer) finish(ctx context.Context, r *Result, began time.Time) error {
	for _, w := range t.verdict() {
		if err := t.warn(ctx, w); err != nil {
			return err
		}
	}
	if err := t.makeModel(ctx, r); err != nil {
		return err
	}
	if err := t.tellSaved(ctx, ModelFile, "model"); err != nil {
		return err
	}
	embeddings, err := t.measureModel(ctx, r)
	if err != nil {
		return err
	}
	t.fill(r, began)
	set, _ := t.data.measured()
	if embeddings != nil && !t.o.NoEmbeddings {
		if err := t.dir.writeEmbeddings(set, embeddings); err != nil {
			return &FinishError{File: EmbeddingsFile, Model: r.Model, Dir: string(t.dir), Err: err}
		}
		r.Embeddings = t.dir.path(EmbeddingsFile)
	}
	if !t.o.NoReport {
		report := reporter{trainer: t, result: *r, before: t.untrained, after: embeddings}
		if err := report.write(ctx); err != nil {
			return &FinishError{File: ReportFile, Model: r.Model, Dir: string(t.dir), Err: err}
		}
		r.Report = t.dir.path(ReportFile)
	}
	if err := t.writeResult(*r); err != nil {
		return &FinishError{File: ResultFile, Model: r.Model, Dir: string(t.dir), Err: err}
	}
	return nil
}

// FinishError says that a run has its model, but that another file which belongs to it
// could not be made. Resume tries again, and makes no step twice.
type FinishError struct {
	File  string // such as ReportFile
	Model string // path of the model
	Dir   string // the run folder
	Err   error
}

func (e *FinishError) Error() string {
	return fmt.Sprintf("the model is %s, but there is no %s; resuming %s tries again: %v", e.Model, e.File, e.Dir, e.Err)
}

func (e *FinishError) Unwrap() error { return e.Err }

// makeModel writes the model of the best or the last weights.
func (t *Trainer) makeModel(ctx context.Context, r *Result) error {
	r.Kept, r.ModelStep = Last, t.state.Step
	if t.cfg.Keep == Best && t.state.HasBest {
		r.Kept, r.ModelStep = Best, t.state.BestStep
		if err := t.takeBest(); err != nil {
			return err
		}
	}
	t.progress(ctx, "writing the model", 0, 0)
	if err := t.writeModel(r.ModelStep); err != nil {
		return err
	}
	r.Model = t.dir.path(ModelFile)
	return nil
}

// measureModel measures the model and returns the embeddings that it measured, or nil if
// there is nothing to measure on.
func (t *Trainer) measureModel(ctx context.Context, r *Result) ([]float32, error) {
	d, set := t.data.measured()
	if d == nil {
		return nil, nil
	}
	i, err := t.evaluate(ctx, d, set, After)
	if err != nil {
		return nil, err
	}
	i.BestValue, i.BestStep = t.state.BestValue, t.state.BestStep
	i.Result.Classes = nil
	r.After, r.On, r.Protocol = &i.Result, set, t.data.protocol(set, &i.Result)
	if err := t.journal.addEval(i); err != nil {
		return nil, err
	}
	if err := t.board.evaluated(i); err != nil {
		return nil, err
	}
	return i.Embeddings, t.tellEvaluated(ctx, i)
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
func (t *Trainer) fill(r *Result, began time.Time) {
	s := &t.state
	r.Steps, r.FinalLoss, r.Warnings = s.Step, s.Loss, s.Warnings
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
}

func (t *Trainer) writeResult(r Result) error {
	return t.dir.write(ResultFile, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	})
}
