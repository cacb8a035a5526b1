package trainer

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/metrics"
	"medusa/nets"
	"medusa/optim"
)

// shape is a data set's: the number of pictures of each class.
type shape []int

func equalClasses(classes, pictures int) shape {
	return slices.Repeat(shape{pictures}, classes)
}

// writeIDX writes pictures of side × side, drawn by draw, as part "train" or "t10k".
func writeIDX(t testing.TB, dir, part string, sizes shape, first int, draw func(class, picture int) [side * side]byte) {
	n := 0
	for _, s := range sizes {
		n += s
	}
	images := binary.BigEndian.AppendUint32(nil, 0x803)
	for _, d := range []int{n, side, side} {
		images = binary.BigEndian.AppendUint32(images, uint32(d))
	}
	labels := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 0x801), uint32(n))
	for c, s := range sizes {
		for i := range s {
			picture := draw(first+c, i)
			images = append(images, picture[:]...)
			labels = append(labels, byte(first+c))
		}
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, part+"-images-idx3-ubyte"), images, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, part+"-labels-idx1-ubyte"), labels, 0o644))
}

// people draws what photographs of faces are like that were taken in two sessions: the light
// falls from the left or from the right, and two pictures of a person in one light are
// nearly the same. So the nearest picture is one of the same person before anything is
// learned, and half of the person's pictures are still far.
func people(class, picture int) (out [side * side]byte) {
	face := rand.New(rand.NewPCG(9, uint64(class)))
	noise := rand.New(rand.NewPCG(uint64(class), uint64(picture)))
	slope := 9.
	if picture%2 == 1 {
		slope = -9
	}
	for i := range out {
		v := 90 + 70*face.Float64() + slope*(float64(i%side)-side/2) + 2*noise.Float64()
		out[i] = byte(min(max(v, 0), 255))
	}
	return out
}

// peopleConfig is a short run on so many people, ten pictures each, where nothing is said of
// data and batches.
func peopleConfig(t testing.TB, n int) Config {
	dir := t.TempDir()
	writeIDX(t, dir, "train", equalClasses(n, 10), 0, people)
	return Config{
		Data: DataConfig{Path: dir, Workers: 1}, Net: nets.Config{Backbone: "mlp", Hidden: []int{32}, Embedding: 16},
		Steps: 50, EvalEvery: 10, Seed: 3,
	}
}

func kinds(warnings []Warning) []string {
	var out []string
	for _, w := range warnings {
		out = append(out, w.Kind)
	}
	return out
}

func warningOf(t *testing.T, kind string, r Result) Warning {
	t.Helper()
	for _, w := range r.Warnings {
		if w.Kind == kind {
			return w
		}
	}
	require.Failf(t, "no such warning", "%s among %v", kind, r.Warnings)
	return Warning{}
}

// Recall@1 of three validation people is 1 before anything is learned: what was learned is
// kept all the same, and words say why the figure does not move.
func TestCeilingBeforeTrainingKeepsWhatWasLearned(t *testing.T) {
	_, r := run(t, peopleConfig(t, 30), Options{})
	require.Equal(t, SetValidation, r.On)
	before, _ := r.Before.RecallOf(1)
	require.Equal(t, 1., before)
	require.Equal(t, 1., r.BestValue)
	require.Equal(t, Best, r.Kept)
	assert.Positive(t, r.ModelStep)
	assert.Greater(t, r.After.MAPAtR, r.Before.MAPAtR+0.1, "of people that were not learned")
	assert.Equal(t, []string{KindFew, KindCeiling}, kinds(r.Warnings))
	w := warningOf(t, KindCeiling, r)
	assert.Equal(t, 0, w.Step)
	assert.Contains(t, w.Message, "Recall@1 is 1.000 on the validation classes before the first step")
	assert.Equal(t, "set more classes aside (Data.Val: 0.34); or choose by a metric that sees all pictures of a class (Metric: map_at_r); "+
		"or keep the weights of the last step (Keep: last)", w.Advice)
	assert.Contains(t, r.Ceiling(), "Recall@1, Recall@2")
	assert.NotContains(t, r.Ceiling(), "MAP@R")
	assert.Contains(t, warningOf(t, KindFew, r).Message, "classes: 3, queries: 30")
}

// What a warning advises is followed, and then there is no warning of its kind.
func TestAdviceHelps(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"another metric": func(c *Config) { c.Data.Val, c.Metric = "0.34", "map_at_r" },
		"the last":       func(c *Config) { c.Keep = Last },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := peopleConfig(t, 30)
			change(&cfg)
			_, r := run(t, cfg, Options{})
			assert.Empty(t, r.Warnings)
			assert.Positive(t, r.ModelStep)
		})
	}
}

// Training that makes everything worse leaves the untrained network, and says so.
func TestUntrainedModelIsTold(t *testing.T) {
	cfg := peopleConfig(t, 30)
	cfg.Data.Val = "0.34"
	cfg.Solver = optim.Config{Name: "sgd", LR: 0.5, WeightDecay: 1.9} // the weights go to 0
	_, r := run(t, cfg, Options{})
	require.Equal(t, 0, r.ModelStep)
	w := warningOf(t, KindUntrained, r)
	assert.Equal(t, cfg.Steps, w.Step)
	assert.Contains(t, w.Message, "the model is the untrained network: training made it worse")
	assert.Contains(t, w.Advice, "lower the learning rate")
	assert.Contains(t, w.Advice, "Keep: last takes the trained weights")
	cfg.Keep = Last
	_, r = run(t, cfg, Options{})
	require.Equal(t, cfg.Steps, r.ModelStep)
	assert.NotContains(t, kinds(r.Warnings), KindUntrained)
}

func TestMetricThatNeverMovesIsTold(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Solver, cfg.Schedule = optim.Config{Name: "sgd", LR: 1e-30}, optim.ScheduleConfig{}
	cfg.Net.Norm = "none" // nor do running statistics move
	_, r := run(t, cfg, Options{})
	require.Less(t, r.BestValue, 1.)
	require.Equal(t, cfg.Steps, r.ModelStep)
	assert.Contains(t, warningOf(t, KindConstant, r).Message, "at each of 7 evaluations")
}

func TestNothingMeasuredIsTold(t *testing.T) {
	cfg := peopleConfig(t, 5)
	_, r := run(t, cfg, Options{})
	require.Empty(t, r.On)
	w := warningOf(t, KindUnmeasured, r)
	require.Equal(t, 0, w.Step)
	require.Contains(t, w.Advice, "set some of the classes aside (Data.Val: 0.25)")
	cfg.Data.Val = "0.25" // as advised
	_, r = run(t, cfg, Options{})
	require.Equal(t, SetValidation, r.On)
	require.NotContains(t, kinds(r.Warnings), KindUnmeasured)

	_, r = run(t, peopleConfig(t, 3), Options{})
	require.NotContains(t, warningOf(t, KindUnmeasured, r).Advice, "Data.Val", "three classes cannot be cut")
}

// The error of a mean over classes of one size is that of the mean of their means; queries of
// a class that agree make no smaller error.
func TestStandardErrorCountsClasses(t *testing.T) {
	tr := &Trainer{cfg: Config{Metric: "recall_at_1"}}
	result := func(queries int, own ...float64) metrics.Result {
		r := metrics.Result{RecallAt: []int{1}, Retrieval: metrics.Retrieval{Recall: []float64{0}}}
		for _, v := range own {
			r.Classes = append(r.Classes, metrics.Class{Queries: queries, Retrieval: metrics.Retrieval{Recall: []float64{v}}})
			r.Queries += queries
			r.Recall[0] += v / float64(len(own))
		}
		return r
	}
	// Means 1, 0.5, 0.75, 0.75: deviation √(0.125/3), over √4 classes.
	for _, queries := range []int{4, 400} {
		e, ok := tr.standardError(result(queries, 1, 0.5, 0.75, 0.75))
		require.True(t, ok)
		assert.InDelta(t, math.Sqrt(0.125/3)/2, e, 1e-12)
	}
	_, ok := tr.standardError(result(9, 1))
	assert.False(t, ok, "one class tells nothing of others")
	tr.cfg.Metric = "nmi"
	_, ok = tr.standardError(result(9, 1, 0.5))
	assert.False(t, ok, "no class has one of its own")
}

func TestFewIsAQuestionOfClassesQueriesAndSpread(t *testing.T) {
	tr := &Trainer{cfg: Config{Metric: "recall_at_1"}}
	cfg := peopleConfig(t, 30)
	cfg.Data.Val = "0.34"
	tr.given, tr.data = cfg, load(t, cfg).items()
	for name, c := range map[string]struct {
		classes, queries int // queries a class
		low              float64
		few              bool
	}{
		"plenty":              {39, 20, 0.5, false},
		"few classes":         {4, 500, 0.9, true},
		"few queries":         {12, 4, 0.9, true},
		"classes that differ": {8, 100, 0, true},
		"classes that agree":  {8, 100, 0.9, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := metrics.Result{RecallAt: []int{1}, Queries: c.classes * c.queries, Retrieval: metrics.Retrieval{Recall: []float64{(1 + c.low) / 2}}}
			for i := range c.classes {
				own := []float64{1, c.low}[i%2]
				r.Classes = append(r.Classes, metrics.Class{Queries: c.queries, Retrieval: metrics.Retrieval{Recall: []float64{own}}})
			}
			assert.Equal(t, c.few, len(tr.warnOfFew(r)) > 0)
		})
	}
}
