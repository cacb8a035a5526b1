package trainer

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"runtime/debug"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/fileread"
	"medusa/internal/report"
	"medusa/internal/wording"
	"medusa/metrics"
)

// reporter makes report.html of a run that was measured.
type reporter struct {
	trainer *Trainer
	result  Result
	before  []float32 // embeddings of the measured pictures, untrained; nil in a resumed run
	after   []float32 // by the model; nil if nothing was measured
	steps   []StepInfo
	evals   []EvalInfo
}

// remember is the hook that keeps the embeddings before training.
func (r *reporter) remember() Hook {
	return Hook{Evaluated: func(_ context.Context, i EvalInfo) error {
		if _, measured := r.trainer.data.measured(); i.Phase == Before && i.Set == measured && !r.trainer.o.NoReport {
			r.before = i.Embeddings
		}
		return nil
	}}
}

// neighbours is how many nearest pictures a query shows in the report.
const neighbours = 10

// write makes the report of a result, whose model made the embeddings after of what was measured.
func (r *reporter) write(ctx context.Context, result Result, after []float32) error {
	r.result, r.after = result, after
	dir := r.trainer.dir
	config, err := fileread.Regular(dir.Path(ConfigFile), maxResultBytes)
	if err != nil {
		return errors.Wrap(err, "trainer: report")
	}
	if r.steps, r.evals, err = History(string(dir)); err != nil {
		return err
	}
	d := report.Data{
		Title:   filepath.Base(string(dir)),
		Facts:   r.facts(),
		Metrics: r.metrics(),
		Pixels:  r.result.Pixels != nil,
		Items:   r.result.Items,
		Series:  r.series(),
		Splits:  r.splits(),
		Skipped: r.skipped(),
		Config:  string(config),
		Version: Version(),
		Seed:    int64(r.result.Seed),

		SkippedList: r.listOfSkipped(),

		Progress: func(part string) { r.progress(ctx, part, 0, 0) },
	}
	if r.result.On != "" {
		d.On, d.Set = r.trainer.data.measuredOn(r.result.On), r.result.On
	}
	r.addThresholds(&d)
	d.FewShot = report.Table(FewShotTable(r.result.FewShot, r.result.Items))
	if r.result.Protocol != "" {
		d.Protocol = r.result.Protocol + "."
	}
	for _, w := range r.result.Warnings {
		d.Warnings = append(d.Warnings, report.Warning{Step: w.Step, Message: w.Message, Advice: w.Advice})
	}
	if message, advice := r.result.Worse(r.trainer.o.Naming); message != "" {
		d.Warnings = append(d.Warnings, report.Warning{Step: r.result.ModelStep, Message: message, Advice: advice})
	}
	if note := r.result.Ceiling(); note != "" {
		d.Protocol += " " + note + "."
	}
	if err := r.addSet(ctx, &d); err != nil {
		return err
	}
	var page bytes.Buffer
	if err := report.Write(&page, d); err != nil {
		return errors.Wrap(err, "trainer")
	}
	return inTrainer(dir.WriteBytes(ReportFile, page.Bytes()))
}

// listOfSkipped is the name of the file that lists what was left out.
func (r *reporter) listOfSkipped() string {
	if r.trainer.start.LeftOut == "" {
		return ""
	}
	return LeftOutFile
}

// addSet adds the measured set: embeddings, neighbours, thumbnails.
func (r *reporter) addSet(ctx context.Context, d *report.Data) error {
	set, _ := r.trainer.data.measured()
	if set == nil || r.after == nil {
		return nil
	}
	if r.before == nil { // a resumed run
		var err error
		r.before, err = r.trainer.embedUntrained(ctx, set)
		switch {
		case errors.Is(err, errStartGone):
			r.trainer.notice(fmt.Sprintf("the report has no map of the embeddings before training: %v", err))
		case err != nil:
			return err
		}
	}
	d.Dim = r.trainer.EmbeddingSize()
	d.Labels, d.Classes = set.Labels(), set.Classes()
	d.Embeddings, d.EmbeddingsBefore = r.after, r.before
	d.Thumbnail = set.image()
	for i := range set.Len() {
		d.Paths = append(d.Paths, set.Path(i))
	}
	parts, err := retrievalOf(set, r.after, d.Dim)
	if err != nil {
		return err
	}
	full, err := metrics.Evaluate(ctx, parts.query, parts.gallery,
		metrics.Options{OwnRows: parts.own, PerQuery: true, NoClustering: true, Seed: r.trainer.cfg.Seed,
			MaxQueries: r.trainer.maxQueries(len(parts.queries), len(parts.rows)),
			Progress:   func(_ metrics.Stage, done, total int) { r.progress(ctx, "each query", done, total) }})
	if err != nil {
		return err
	}
	d.PerQueryAP = make([]float64, set.Len())
	for i := range d.PerQueryAP {
		d.PerQueryAP[i] = math.NaN() // no query, or none that was drawn, or no match in the gallery
	}
	var drawn []int // rows of the queries that have neighbours to show
	for _, q := range full.PerQuery {
		d.PerQueryAP[parts.queries[q.Row]] = q.MAPAtR
		if full.AllQueries > 0 {
			drawn = append(drawn, q.Row)
		}
	}
	if drawn != nil {
		parts = parts.withQueries(drawn)
	}
	d.APName = "MAP@R"
	r.progress(ctx, "neighbours", 0, 0)
	return addNeighbours(ctx, d, parts)
}

// addNeighbours adds the nearest pictures of the gallery to each query; other pictures have
// none.
func addNeighbours(ctx context.Context, d *report.Data, parts retrieval) error {
	others := len(parts.rows)
	if parts.gallery == nil || slices.Max(parts.own) >= 0 {
		others--
	}
	found, err := metrics.Search(ctx, parts.query, parts.gallery, metrics.SearchOptions{OwnRows: parts.own, K: min(neighbours, others)})
	if err != nil {
		return err
	}
	d.Neighbours.Indices = make([][]int32, len(d.Paths))
	d.Neighbours.Distances = make([][]float32, len(d.Paths))
	for i := range found.Len() {
		index, distance := found.Of(i)
		near := make([]int32, len(index))
		short := make([]float32, len(distance))
		for k, v := range distance {
			near[k], short[k] = int32(parts.rows[index[k]]), float32(v)
		}
		picture := parts.queries[i]
		d.Neighbours.Indices[picture], d.Neighbours.Distances[picture] = near, short
	}
	return nil
}

// progress tells the hooks which part of the report is being made.
func (r *reporter) progress(ctx context.Context, part string, done, total int) {
	r.trainer.progress(ctx, "writing the report: "+part, done, total)
}

func (r *reporter) facts() []report.Fact {
	s, result := r.trainer.data.Train.Summary(), r.result
	facts := []report.Fact{
		{Name: "Data", Value: s.Source},
		{Name: "Learned from", Value: fmt.Sprintf("%s classes, %s %s", wording.Thousands(s.Classes), wording.Thousands(s.Pictures), r.trainer.data.Train.noun())},
		{Name: "Steps", Value: fmt.Sprintf("%s (model of step %s)", wording.Thousands(result.Steps), wording.Thousands(result.ModelStep))},
		{Name: "Time", Value: fmt.Sprintf("%.0f s", result.Seconds)},
		{Name: "Speed", Value: wording.Thousands(int(result.ImagesPerSecond)) + " " + wording.PerSecond(result.Items)},
		{Name: "Parameters", Value: wording.Thousands(result.Parameters)},
		{Name: "Device", Value: result.Device + ", " + wording.Number(result.Threads, "threads")},
		{Name: "Memory", Value: result.Memory()},
		{Name: "Seed", Value: fmt.Sprint(result.Seed)},
	}
	if w := result.Weights; w != nil {
		facts = append(facts, report.Fact{Name: "Began with", Value: w.String()}, report.Fact{Name: "SHA-256 of these weights", Value: sumOf(*w)})
		if w.Preparation.From != "" {
			facts = append(facts, report.Fact{Name: "They were trained with", Value: w.Preparation.String()})
		}
	}
	for _, option := range slices.Sorted(maps.Keys(result.Given)) {
		facts = append(facts, report.Fact{Name: option, Value: result.Given[option]})
	}
	return facts
}

func (r *reporter) metrics() []report.Metric {
	var out []report.Metric
	for _, f := range r.result.Figures() {
		out = append(out, report.Metric{Name: f.Title, Pixels: f.Pixels, Before: f.Before, After: f.After})
	}
	return out
}

// addThresholds shows how well a threshold tells whether two pictures are of one class.
func (r *reporter) addThresholds(d *report.Data) {
	d.Thresholds = report.Table(r.result.Thresholds())
	d.Pairs = report.Table(r.result.PairTable())
	for _, set := range []string{SetValidation, SetTest} {
		v, ok := r.result.Verification[set]
		if !ok {
			continue
		}
		d.ROC = append(d.ROC, rocOf(set, v))
	}
	for _, set := range []string{SetValidation, SetTest} {
		if p := r.result.Pairs[set]; len(p.Curve) > 0 {
			d.ROC = append(d.ROC, rocOf(set+", listed pairs", p.Verification))
		}
	}
	from := SetValidation
	v, ok := r.result.Verification[from]
	if !ok {
		from = SetTest
		if v, ok = r.result.Verification[from]; !ok {
			return
		}
	}
	of := ""
	if from != r.result.On { // the histogram is of another set
		of = from + ": "
	}
	d.Marks = append(d.Marks, report.Mark{At: v.EERThreshold, Name: of + "equal error"})
	for _, p := range v.AtFAR {
		if p.AskedFAR == markedFAR {
			d.Marks = append(d.Marks, report.Mark{At: p.Threshold, Name: of + "FAR " + percent(p.AskedFAR)})
		}
	}
}

func rocOf(name string, v metrics.Verification) report.ROC {
	c := report.ROC{Name: name}
	for _, p := range v.Curve {
		c.FAR, c.TAR = append(c.FAR, p.FAR), append(c.TAR, p.TAR)
	}
	return c
}

// markedFAR is the false accept rate whose threshold stands in the histogram: more would
// cover it.
const markedFAR = 0.01

// series are the curves: of every logged step, and of the validation classes.
func (r *reporter) series() []report.Series {
	curve := func(group, name string, of func(StepInfo) float64) report.Series {
		s := report.Series{Group: group, Name: name}
		for _, i := range r.steps {
			s.Steps = append(s.Steps, i.Step)
			s.Values = append(s.Values, of(i))
		}
		return s
	}
	out := []report.Series{
		curve("Loss", "", func(i StepInfo) float64 { return i.Loss }),
		curve("Mean distance in the batch", "same class", func(i StepInfo) float64 { return i.MeanPositive }),
		curve("Mean distance in the batch", "other class", func(i StepInfo) float64 { return i.MeanNegative }),
	}
	if n := len(r.steps); n > 0 && r.steps[n-1].HasActive {
		out = append(out, curve("Share of active pairs or triplets", "", func(i StepInfo) float64 { return i.ActiveShare }))
	}
	out = append(out, r.validation()...)
	return append(out,
		curve("Learning rate", "", func(i StepInfo) float64 { return i.LR }),
		curve("Gradient norm", "", func(i StepInfo) float64 { return i.GradNorm }),
		curve("Embedding norm", "", func(i StepInfo) float64 { return i.EmbeddingNorm }),
		r.speed())
}

// speed begins once there is a speed to tell.
func (r *reporter) speed() report.Series {
	s := report.Series{Group: "Speed", Unit: wording.PerSecond(r.result.Items)}
	for _, i := range r.steps {
		if i.ImagesPerSecond > 0 {
			s.Steps, s.Values = append(s.Steps, i.Step), append(s.Values, i.ImagesPerSecond)
		}
	}
	return s
}

// validation are the curves on the validation classes while training.
func (r *reporter) validation() []report.Series {
	group := "Validation classes"
	recall, mapAtR := report.Series{Group: group, Name: "Recall@1"}, report.Series{Group: group, Name: "MAP@R"}
	for _, i := range r.evals {
		if i.Set != SetValidation || i.Phase == After || i.Phase == RawPixels {
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

func (r *reporter) splits() []report.Split {
	var out []report.Split
	for _, p := range r.trainer.data.data().Parts() {
		s := p.Summary()
		out = append(out, report.Split{Name: p.Name, Classes: s.Classes, Pictures: s.Pictures, Smallest: s.Smallest.Pictures,
			Note: fmt.Sprintf("smallest class %s; stored as %s", s.Smallest.Name, p.Form())})
	}
	return out
}

func (r *reporter) skipped() []report.Skip {
	var out []report.Skip
	for _, c := range r.trainer.data.data().Skipped() {
		out = append(out, report.Skip{Reason: c.What, Detail: c.Detail, Count: c.Count, Examples: c.Examples})
	}
	return out
}

// Version is this module's version as the Go tool recorded it, such as "medusa v1.2.0, go1.26.8".
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return module
	}
	if info.Main.Path != module { // somebody's program
		for _, d := range info.Deps {
			if d.Path == module {
				return module + " " + d.Version + ", " + info.GoVersion
			}
		}
	}
	v := module + " " + info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			v += " " + s.Value[:12]
		}
	}
	return v + ", " + info.GoVersion
}

const module = "medusa"
