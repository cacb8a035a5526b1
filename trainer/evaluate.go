package trainer

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/pkg/errors"

	"medusa/internal/wording"
	"medusa/metrics"
	"medusa/optim"
)

// recallAt and cmcAt are the K of Recall@K and of CMC@K that every evaluation measures, besides the K
// of the run's metric.
var recallAt, cmcAt = []int{1, 2, 4, 8}, []int{1, 5, 10}

// measure evaluates d. It measures clustering, which takes a k-means, only if it is asked for or the
// run's metric needs it.
func (t *Trainer) measure(ctx context.Context, d *items, clustering bool) (metrics.Result, error) {
	x, err := t.embed(ctx, d, "embedding pictures")
	if err != nil {
		return metrics.Result{}, err
	}
	return t.score(ctx, d, x, clustering)
}

func (t *Trainer) score(ctx context.Context, d *items, x []float32, clustering bool) (metrics.Result, error) {
	needed, _ := metrics.FigureOf(t.cfg.Metric)
	r, err := t.retrieve(ctx, d, x, t.EmbeddingSize(), metrics.Options{NoClustering: !clustering && !needed.Clusters, PerClass: true})
	if err == nil {
		err = finiteResult(r)
	}
	return r, errors.Wrapf(err, "trainer: evaluation at step %d", t.state.Step)
}

// retrieve measures retrieval among d's pictures by x, of dim numbers each, as their roles
// and cameras say. o.MaxQueries may bound the queries further than the configuration does.
func (t *Trainer) retrieve(ctx context.Context, d *items, x []float32, dim int, o metrics.Options) (metrics.Result, error) {
	parts, err := retrievalOf(d, x, dim)
	if err != nil {
		return metrics.Result{}, err
	}
	needed, _ := metrics.FigureOf(t.cfg.Metric)
	o.RecallAt, o.CMCAt = withK(recallAt, needed.RecallAt), withK(cmcAt, needed.CMCAt)
	o.Seed, o.OwnRows = t.cfg.Seed, parts.own
	o.MaxClustered = maxClustered
	if most := t.maxQueries(len(parts.queries), len(parts.rows)); most > 0 && (o.MaxQueries == 0 || most < o.MaxQueries) {
		o.MaxQueries = most
	}
	o.Progress = func(stage metrics.Stage, done, total int) { t.progress(ctx, "measuring "+string(stage), done, total) }
	return metrics.Evaluate(ctx, parts.query, parts.gallery, o)
}

// Bounds of the work that grows with the square of a set. With them an evaluation takes minutes at
// most, and the largest sets in publications (iNaturalist's 136,093 test pictures, the 11,316 test
// classes of Stanford Online Products) are still measured whole.
const (
	maxPairs     = 20e9    // of a query and an item of the gallery
	maxClustered = 1e9     // items × clusters
	leastQueries = 1 << 12 // are searched for in any gallery: a share has a standard error of 0.008 at most
)

// maxQueries is metrics.Options.MaxQueries for a set with that many queries and items in its gallery:
// how many of the queries are searched for, 0 for all.
func (t *Trainer) maxQueries(queries, gallery int) int {
	switch asked := t.cfg.EvalQueries; {
	case asked > 0:
		return asked
	case asked < 0 || float64(queries)*float64(gallery) <= maxPairs:
		return 0
	}
	return max(int(maxPairs/float64(gallery)), leastQueries)
}

// tellDrawn says before the first evaluation that not all of a set is searched for.
func (t *Trainer) tellDrawn() {
	if d, set := t.data.measured(); d != nil {
		queries, gallery := len(d.Queries()), len(d.Gallery())
		if n := t.maxQueries(queries, gallery); n > 0 && n < queries {
			t.notice(fmt.Sprintf("%s of the %s %s %s are searched for, drawn at random, each among all %s of the gallery: a share such as Recall@1 has a standard error of up to %.2g (%s searches for all)",
				wording.Thousands(n), wording.Thousands(queries), set, d.noun(), wording.Thousands(gallery), 0.5/math.Sqrt(float64(n)), t.name("EvalQueries", "-1")))
		}
	}
}

// withK is a list of K with one more, 0 for none.
func withK(list []int, k int) []int {
	list = slices.Clone(list)
	if k > 0 && !slices.Contains(list, k) {
		list = append(list, k)
		slices.Sort(list)
	}
	return list
}

// finiteResult returns an error if one of r's figures is not finite.
func finiteResult(r metrics.Result) error {
	for _, v := range r.Values() {
		if !finite(v.Value) {
			return errors.Errorf("%s is %v: the embeddings are too large to be compared; train with a lower learning rate", v.Name, v.Value)
		}
	}
	return nil
}

// figure is the run's metric among the values of r.
func (t *Trainer) figure(r metrics.Result) (float64, error) {
	for _, v := range r.Values() {
		if v.Name == t.cfg.Metric {
			return v.Value, nil
		}
	}
	return 0, errors.Errorf("trainer: the evaluation has no %s", t.cfg.Metric)
}

// evaluate measures one set, tells the hooks, and returns what it told.
func (t *Trainer) evaluate(ctx context.Context, d *items, set string, phase Phase) (EvalInfo, error) {
	began := time.Now()
	x, err := t.embed(ctx, d, "embedding "+set+" "+d.noun())
	if err != nil {
		return EvalInfo{}, err
	}
	r, err := t.score(ctx, d, x, phase != During)
	if err != nil {
		return EvalInfo{}, err
	}
	i := EvalInfo{
		Items: d.noun(),
		Step:  t.state.Step, Steps: t.cfg.Steps, Set: set, Phase: phase, Result: r, Embeddings: x, Dim: t.EmbeddingSize(),
		Metric: t.cfg.Metric, Seconds: time.Since(began).Seconds(),
	}
	i.Value, err = t.figure(r)
	return i, err
}

// evaluateIfDue measures at the start, every EvalEvery steps and at the end. An
// evaluation that is broken off leaves no trace, and is done again when resumed.
func (t *Trainer) evaluateIfDue(ctx context.Context) error {
	s := &t.state
	if s.Evaluated == s.Step || !t.evaluationDue(s.Step) {
		return nil
	}
	var done []EvalInfo
	phase := During
	if s.Step == 0 {
		phase = Before
		t.tellDrawn()
		if err := t.measurePixels(ctx); err != nil {
			return err
		}
		if t.data.Test != nil {
			i, err := t.evaluate(ctx, t.data.Test, SetTest, Before)
			if err != nil {
				return err
			}
			done = append(done, i)
		}
	}
	if t.data.Val != nil {
		i, err := t.evaluate(ctx, t.data.Val, SetValidation, phase)
		if err != nil {
			return err
		}
		i.Improved, i.Leads = s.rank(candidateOf(i))
		done = append(done, i)
	}
	return t.evaluated(ctx, done)
}

// evaluationDue reports whether an evaluation follows the step of that number. One follows the last step.
func (t *Trainer) evaluationDue(step int) bool {
	every := t.cfg.EvalEvery
	return step == 0 || step == t.cfg.Steps || t.state.Stopped || every > 0 && step%every == 0
}

// evaluated takes the outcome of an evaluation into the state, the log and the best
// checkpoint.
func (t *Trainer) evaluated(ctx context.Context, done []EvalInfo) error {
	s := &t.state
	s.Evaluated = s.Step
	t.unsaved = true
	leads := false
	var warnings []Warning
	if s.Step == 0 {
		warnings = t.unmeasured()
	}
	for n := range done {
		i := &done[n]
		if i.Set == SetValidation {
			warnings = append(warnings, t.warnOfDoubts(*i)...)
		}
		i.Result.Classes = nil // no file keeps them
		if s.Step == 0 && n == 0 {
			s.Before = &i.Result
		}
		if i.Set == SetValidation {
			if w, ok := t.schedule.(optim.Watching); ok {
				w.Evaluated(i.Improved)
			}
			if s.Stale++; i.Improved {
				s.Stale = 0
			}
			if leads = i.Leads; leads {
				s.takeLead(candidateOf(*i))
			}
		}
		i.BestValue, i.BestStep = s.BestValue, s.BestStep
		if err := t.tellOwn(func(h Hook) error { return h.evaluated(ctx, *i) }); err != nil {
			return err
		}
	}
	for n := range warnings {
		if err := t.record(ctx, &warnings[n]); err != nil {
			return err
		}
	}
	if leads {
		if err := t.saveBest(ctx); err != nil {
			return err
		}
	}
	for _, i := range done {
		if err := t.tellEvaluated(ctx, i); err != nil {
			return err
		}
	}
	for _, w := range warnings {
		if err := t.tellOthers(func(h Hook) error { return h.warned(ctx, w) }); err != nil {
			return err
		}
	}
	return nil
}

func (t *Trainer) tellEvaluated(ctx context.Context, i EvalInfo) error {
	return t.tellOthers(func(h Hook) error { return h.evaluated(ctx, i) })
}
