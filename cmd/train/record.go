package main

import (
	"context"
	"fmt"
	"image"
	"math"
	"path/filepath"
	"runtime/debug"
	"slices"

	"medusa/datasets"
	"medusa/internal/report"
	"medusa/internal/terminal"
	"medusa/metrics"
	"medusa/trainer"
)

// recorder keeps what the report shows.
type recorder struct {
	data    trainer.Data
	trainer *trainer.Trainer
	before  []float32 // embeddings of the measured pictures, untrained
	after   []float32 // by the model; nil if nothing was measured
	dim     int
	task    *terminal.Task // while the report is written
	steps   []trainer.StepInfo
	evals   []trainer.EvalInfo
}

func (r *recorder) hook() trainer.Hook {
	return trainer.Hook{Evaluated: func(_ context.Context, i trainer.EvalInfo) error {
		if (i.Set == trainer.SetTest) != (r.data.Test != nil) {
			return nil
		}
		switch i.Phase {
		case trainer.Before:
			r.before = slices.Clone(i.Embeddings)
		case trainer.After:
			r.after, r.dim = slices.Clone(i.Embeddings), i.Dim
		}
		return nil
	}}
}

// measured is the set that the figures before and after are of.
func (r *recorder) measured() *datasets.Dataset {
	if r.data.Test != nil {
		return r.data.Test
	}
	return r.data.Val
}

const reportFile = "report.html"

// neighbours is how many nearest pictures a query shows in the report.
const neighbours = 10

// write makes the report and returns its path.
func (r *recorder) write(ctx context.Context, f *flags, result trainer.Result, task *terminal.Task) (string, error) {
	r.task = task
	config, err := f.writeConfig()
	if err != nil {
		return "", err
	}
	if r.steps, r.evals, err = trainer.History(result.Dir); err != nil {
		return "", err
	}
	d := report.Data{
		Title:   filepath.Base(result.Dir),
		Facts:   r.facts(result),
		Metrics: reportMetrics(result),
		Series:  r.series(),
		Splits:  r.splits(),
		Skipped: r.skipped(),
		Config:  string(config),
		Version: version(),
		Seed:    int64(result.Seed),

		Progress: task.Stage,
	}
	if result.After != nil {
		d.Protocol = protocol(r.data, result) + "."
	}
	if err := r.addSet(ctx, &d); err != nil {
		return "", err
	}
	path := filepath.Join(result.Dir, reportFile)
	return path, report.WriteFile(path, d)
}

// addSet adds the measured set: embeddings, neighbours, thumbnails.
func (r *recorder) addSet(ctx context.Context, d *report.Data) error {
	set := r.measured()
	if set == nil || r.after == nil {
		return nil
	}
	if r.before == nil { // a resumed run
		var err error
		if r.before, err = r.trainer.EmbedUntrained(ctx, set); err != nil {
			return err
		}
	}
	d.Dim = r.dim
	d.Labels, d.Classes = set.Labels(), set.Classes()
	d.Embeddings, d.EmbeddingsBefore = r.after, r.before
	d.Thumbnail = func(i int) (image.Image, error) { return set.Image(i) }
	for i := range set.Len() {
		d.Paths = append(d.Paths, set.Path(i))
	}
	points := metrics.Set{Embeddings: r.after, Dim: d.Dim, Labels: set.Labels()}
	full, err := metrics.Evaluate(ctx, points, nil, metrics.Options{PerQuery: true, NoClustering: true,
		Progress: func(_ metrics.Stage, done, total int) { r.stage("each query", done, total) }})
	if err != nil {
		return err
	}
	d.PerQueryAP = make([]float64, set.Len())
	for i := range d.PerQueryAP {
		d.PerQueryAP[i] = math.NaN() // no match in the gallery
	}
	for _, q := range full.PerQuery {
		d.PerQueryAP[q.Row] = q.MAPAtR
	}
	d.APName = "MAP@R"
	return r.addNeighbours(ctx, d, points)
}

func (r *recorder) addNeighbours(ctx context.Context, d *report.Data, points metrics.Set) error {
	r.stage("neighbours", 0, 0)
	found, err := metrics.Search(ctx, points, nil, metrics.SearchOptions{K: min(neighbours, points.Len()-1)})
	if err != nil {
		return err
	}
	for i := range found.Len() {
		index, distance := found.Of(i)
		short := make([]float32, len(distance))
		for k, v := range distance {
			short[k] = float32(v)
		}
		d.Neighbours.Indices = append(d.Neighbours.Indices, index)
		d.Neighbours.Distances = append(d.Neighbours.Distances, short)
	}
	return nil
}

// stage shows which part of the report is being made.
func (r *recorder) stage(name string, done, total int) {
	r.task.Stage(name)
	r.task.Progress(done, total)
}

func (r *recorder) facts(result trainer.Result) []report.Fact {
	s := r.data.Train.Summary()
	return []report.Fact{
		{Name: "Pictures", Value: s.Source},
		{Name: "Learned from", Value: fmt.Sprintf("%s classes, %s pictures", thousands(s.Classes), thousands(s.Pictures))},
		{Name: "Steps", Value: fmt.Sprintf("%s (model of step %s)", thousands(result.Steps), thousands(result.ModelStep))},
		{Name: "Time", Value: fmt.Sprintf("%.0f s", result.Seconds)},
		{Name: "Speed", Value: fmt.Sprintf("%s images/s", thousands(int(result.ImagesPerSecond)))},
		{Name: "Parameters", Value: thousands(result.Parameters)},
		{Name: "Device", Value: fmt.Sprintf("%s, %d threads", result.Device, result.Threads)},
		{Name: "Memory", Value: memory(result)},
		{Name: "Seed", Value: fmt.Sprint(result.Seed)},
	}
}

func reportMetrics(result trainer.Result) []report.Metric {
	var out []report.Metric
	for _, f := range figures(result) {
		out = append(out, report.Metric{Name: f.name, Before: f.before, After: f.after})
	}
	return out
}

// series are the curves: of every logged step, and of the validation classes.
func (r *recorder) series() []report.Series {
	curve := func(group, name string, of func(trainer.StepInfo) float64) report.Series {
		s := report.Series{Group: group, Name: name}
		for _, i := range r.steps {
			s.Steps = append(s.Steps, i.Step)
			s.Values = append(s.Values, of(i))
		}
		return s
	}
	out := []report.Series{
		curve("Loss", "", func(i trainer.StepInfo) float64 { return i.Loss }),
		curve("Mean distance in the batch", "same class", func(i trainer.StepInfo) float64 { return i.MeanPositive }),
		curve("Mean distance in the batch", "other class", func(i trainer.StepInfo) float64 { return i.MeanNegative }),
	}
	if n := len(r.steps); n > 0 && r.steps[n-1].HasActive {
		out = append(out, curve("Share of active pairs or triplets", "", func(i trainer.StepInfo) float64 { return i.ActiveShare }))
	}
	out = append(out, r.validation()...)
	return append(out,
		curve("Learning rate", "", func(i trainer.StepInfo) float64 { return i.LR }),
		curve("Gradient norm", "", func(i trainer.StepInfo) float64 { return i.GradNorm }),
		curve("Embedding norm", "", func(i trainer.StepInfo) float64 { return i.EmbeddingNorm }),
		r.speed())
}

// speed begins once there is a speed to tell.
func (r *recorder) speed() report.Series {
	s := report.Series{Group: "Speed", Unit: "images/s"}
	for _, i := range r.steps {
		if i.ImagesPerSecond > 0 {
			s.Steps, s.Values = append(s.Steps, i.Step), append(s.Values, i.ImagesPerSecond)
		}
	}
	return s
}

// validation are the curves on the validation classes while training.
func (r *recorder) validation() []report.Series {
	group := "Validation classes"
	recall, mapAtR := report.Series{Group: group, Name: "Recall@1"}, report.Series{Group: group, Name: "MAP@R"}
	for _, i := range r.evals {
		if i.Set != trainer.SetValidation || i.Phase == trainer.After {
			continue
		}
		v, _ := i.Result.RecallOf(1)
		recall.Steps, recall.Values = append(recall.Steps, i.Step), append(recall.Values, v)
		mapAtR.Steps, mapAtR.Values = append(mapAtR.Steps, i.Step), append(mapAtR.Values, i.Result.MAPAtR)
	}
	if len(recall.Steps) < 2 {
		return nil
	}
	return []report.Series{recall, mapAtR}
}

func (r *recorder) splits() []report.Split {
	var out []report.Split
	for _, p := range parts(r.data) {
		s := p.set.Summary()
		out = append(out, report.Split{Name: p.name, Classes: s.Classes, Pictures: s.Pictures, Smallest: s.Smallest.Pictures,
			Note: fmt.Sprintf("smallest class %s; stored as %s of %d×%d", s.Smallest.Name, channelsName(s.Channels), s.Height, s.Width)})
	}
	return out
}

func (r *recorder) skipped() []report.Skip {
	var out []report.Skip
	for _, c := range told(r.data, func(s datasets.Summary) []datasets.Count { return s.Skipped }) {
		out = append(out, report.Skip{Reason: c.What, Count: c.Count, Examples: c.Examples})
	}
	return out
}

// version is the module's version as the Go tool recorded it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "medusa"
	}
	v := "medusa " + info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			v += " " + s.Value[:12]
		}
	}
	return v + ", " + info.GoVersion
}
