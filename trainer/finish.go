package trainer

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/cpu/loops"
	"medusa/internal/field"
	"medusa/model"
)

// finish makes what a run leaves behind, in this order: the model, the embeddings of the
// measured pictures, the report, and the result. Whoever finds the result finds the
// others too, unless they were taken away since.
func (t *Trainer) finish(ctx context.Context, r *Result, began time.Time) error {
	if err := t.dir.Discard(ResultFile); err != nil { // of a run that is finished again
		return inTrainer(err)
	}
	for _, w := range t.finalWarnings() {
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
	t.completeResult(r, began)
	if embeddings != nil && !t.o.NoEmbeddings {
		if err := t.makeEmbeddings(r, embeddings); err != nil {
			return err
		}
	}
	if !t.o.NoReport {
		if err := t.makeReport(ctx, r, embeddings); err != nil {
			return err
		}
	}
	return t.makeResult(r)
}

func (t *Trainer) makeEmbeddings(r *Result, embeddings []float32) error {
	set, _ := t.data.measured()
	if err := writeEmbeddings(t.dir, set, embeddings); err != nil {
		return t.unfinished(EmbeddingsFile, r, err)
	}
	r.Embeddings = t.dir.Path(EmbeddingsFile)
	return nil
}

func (t *Trainer) makeReport(ctx context.Context, r *Result, embeddings []float32) error {
	if err := t.report.write(ctx, *r, embeddings); err != nil {
		return t.unfinished(ReportFile, r, err)
	}
	r.Report = t.dir.Path(ReportFile)
	return nil
}

// makeResult ends the run: what it says about the other files is on the disk by then.
func (t *Trainer) makeResult(r *Result) error {
	err := inTrainer(t.log.Sync())
	if err == nil {
		err = t.writeResult(*r)
	}
	if err != nil {
		return t.unfinished(ResultFile, r, err)
	}
	return nil
}

func (t *Trainer) unfinished(file string, r *Result, err error) error {
	return &FinishError{File: file, Model: r.Model, Dir: string(t.dir), Err: err}
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
	r.Model = t.dir.Path(ModelFile)
	return nil
}

// writeModel writes the weights as they are.
func (t *Trainer) writeModel(step int) error {
	info := model.Info{Net: t.cfg.Net, Normalisation: t.data.Norm, Classes: t.data.Train.NumClasses(), Loss: t.cfg.Loss, Step: step}
	if p := t.data.Train.pictures(); p != nil {
		info.Resize, info.CropPct, info.Invert = t.cfg.Data.Resize, t.cfg.Data.CropPct, p.Inverted()
		if t.cfg.Data.Filter != datasets.Bilinear { // which says nothing, as in files of before there was a choice
			info.Filter = t.cfg.Data.Filter
		}
		if t.cfg.Data.Align != datasets.AlignNone {
			info.Align = t.cfg.Data.Align
		}
		info.Range = cmp.Or(t.data.Train.Range(), datasets.RangeAuto)
	}
	if t.cfg.EvalViews != "" {
		info.Views, info.Detail = t.cfg.EvalViews, t.cfg.Data.Detail
	}
	return inTrainer(t.dir.Write(ModelFile, func(w io.Writer) error { return model.Write(w, info, t.averaged, t.device) }))
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
	if err := t.verifyModel(ctx, r, set, i.Embeddings); err != nil {
		return nil, err
	}
	if err := t.measureFewShot(ctx, r, d, i.Embeddings); err != nil {
		return nil, err
	}
	r.After, r.On, r.Protocol = &i.Result, set, t.data.protocol(set, t.cfg.EvalViews, &i.Result)
	if err := t.tellOwn(func(h Hook) error { return h.evaluated(ctx, i) }); err != nil {
		return nil, err
	}
	return i.Embeddings, t.tellEvaluated(ctx, i)
}

// ErrBestLost is a cause of Run's error where the checkpoint of the best weights is gone,
// damaged or of another run. Options.Keep makes a model of the last ones.
var ErrBestLost = errors.New("the best weights are lost")

// takeBest puts the best weights in place of the last ones, which are saved already.
func (t *Trainer) takeBest() error {
	if t.state.BestStep == t.state.Step {
		return nil
	}
	best, err := t.readBest(BestFile)
	if err != nil {
		err = field.Errorf("trainer", "", "the model should be the weights of step %d, which are lost: "+
			"put them back, or resume and keep the last ones (%s %s): %v", t.state.BestStep, field.Name("Keep"), Last, err)
		return causedBy{err, ErrBestLost}
	}
	if err := t.rebuild(best.state.Step); err != nil {
		return err
	}
	if err := best.restore(t.params, t.solver); err != nil {
		return err
	}
	t.device.Wrote(t.tensors()...)
	return nil
}

// completeResult fills in what the run itself knows of its result.
func (t *Trainer) completeResult(r *Result, began time.Time) {
	s := &t.state
	r.Steps, r.FinalLoss, r.Warnings = s.Step, s.Loss, s.Warnings
	r.Items, r.Given = t.data.Train.noun(), t.values()
	r.Before, r.Pixels, r.Weights, r.From = s.Before, s.Pixels, s.Weights, s.From
	if s.HasBest {
		r.Metric, r.BestValue, r.BestStep = t.cfg.Metric, s.BestValue, s.BestStep
	}
	if s.TrainTime > 0 {
		r.ImagesPerSecond = float64(s.Timed*t.Batch()) / s.TrainTime
	}
	r.WaitShare = t.figures.speed.waitShare(s)
	r.Seconds, r.TrainSeconds = time.Since(began).Seconds(), t.figures.speed.all.Seconds()
	r.PeakRSS, r.DeviceMemory = peakRSS(), t.device.Allocated()
	r.Parameters, _ = t.Parameters()
	r.Seed, r.Device, r.Threads = t.cfg.Seed, t.cfg.Device, loops.Threads()
	r.Dir = string(t.dir)
}
