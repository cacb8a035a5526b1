package losses_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/golden"
	"medusa/losses"
	"medusa/miners"
	"medusa/pairs"
)

func init() {
	mappers["HistogramLoss"] = func(r *goldenRecord) losses.Loss {
		r.reducer() // its one number is not reduced
		return losses.Histogram{Bins: int(r.number("n_bins", 100)), Low: -1, High: 1, Metric: r.metric()}
	}
	mappers["FastAPLoss"] = func(r *goldenRecord) losses.Loss {
		l := losses.Default[losses.FastAP]()
		l.Bins, l.Metric, l.Reducer = int(r.number("num_bins", 10)), r.metric(), r.reducer()
		l.MinerWeighs, _ = r.Field("miner", new(string))
		return l
	}
}

func ExampleHistogram() {
	show(losses.Default[losses.Histogram]())
	// Output: 0.375
}

func ExampleFastAP() {
	show(losses.Default[losses.FastAP]())
	// Output: 0.292
}

// Points 0, 1 and 3, the first two of one class, in bins of 1: positive pairs lie at 1, negative
// ones at 2 and 3.
func TestHistogram(t *testing.T) {
	x, y := []float64{0, 1, 3}, []int{0, 0, 1}
	l := losses.Histogram{Bins: 4, High: 4, Metric: pairs.LP{Raw: true}}
	require.InDelta(t, 0, value(t, l, x, y), 1e-12, "every negative pair is farther")
	y = []int{0, 1, 0} // one positive pair at 3, negative ones at 1 and 2
	require.InDelta(t, 1, value(t, l, x, y), 1e-12)
	x = []float64{0, 1.75, 3} // negative ones at 1.75 and 1.25
	require.InDelta(t, 1, value(t, l, x, y), 1e-12)
	l = losses.Histogram{Bins: 2, High: 4, Metric: pairs.LP{Raw: true}}
	// In bins of 2 the positive pair is half at 2 and half at 4, the negative ones are at 0 by an
	// eighth and by three, a quarter together.
	require.InDelta(t, 1, value(t, l, x, y), 1e-12)
	y = []int{0, 0, 1} // positive at 1.75, an eighth at 0; negative at 1.25 and 3: 3/16 at 0, 9/16 at 2
	require.InDelta(t, 1./8*3/16+7./8*12/16, value(t, l, x, y), 1e-12)
	require.Zero(t, value(t, l, x, []int{0, 0, 0}))
	require.Zero(t, value(t, l, x, []int{0, 1, 2}))
}

// Points 0, 1, 2 and 4, the first and third of one class, in bins of 1.
func TestFastAP(t *testing.T) {
	x, y := []float64{0, 1, 2, 4}, []int{0, 1, 0, 2}
	l := losses.FastAP{Bins: 4, High: 4, Metric: pairs.LP{Raw: true}}
	// From 0 a negative is at 1 and the positive at 2; from 2 a negative is at 1, and the positive
	// is level with the other: average precisions of 1/2 and 1/3.
	require.InDelta(t, 1-(1./2+1./3)/2, value(t, l, x, y), 1e-12)
	require.Zero(t, value(t, l, x, []int{0, 1, 2, 3}))
	// A similarity has the order turned.
	l = losses.FastAP{Bins: 16, Low: -16, High: 0, Metric: negated{}}
	require.InDelta(t, 1-(1./2+1./3)/2, value(t, l, x, y), 1e-12)
}

// negated is the negative of a distance, as a similarity.
type negated struct{}

func (negated) Between(x, y graph.Expr) graph.Expr { return pairs.LP{Raw: true}.Between(x, y).Neg() }
func (negated) Similarity() bool                   { return true }

func TestHistogramProperties(t *testing.T) {
	properties(t, map[string]losses.Loss{
		"histogram":         losses.Default[losses.Histogram](),
		"few bins":          losses.Histogram{Bins: 7, Low: -1, High: 1},
		"distances":         losses.Histogram{Bins: 9, High: 2, Metric: pairs.LP{}},
		"beyond the bins":   losses.Histogram{Bins: 5, Low: 1, High: 3, Metric: pairs.LP{Raw: true}},
		"histogram, mined":  losses.Histogram{Bins: 9, High: 2, Metric: pairs.LP{}, Miner: semiHard(0.4)},
		"fastap":            losses.Default[losses.FastAP](),
		"fastap, distances": losses.FastAP{Bins: 7, High: 2, Metric: pairs.LP{}},
		"fastap, cosine":    losses.FastAP{Bins: 7, Low: -1, High: 1, Metric: pairs.Cosine{}, Reducer: pairs.Sum{}},
		"fastap, mined":     losses.FastAP{Bins: 7, High: 4, Miner: semiHard(0.4)},
		"fastap, weighed":   losses.FastAP{Bins: 7, High: 4, Miner: semiHard(0.4), MinerWeighs: true},
		"fastap, hardest":   losses.FastAP{Bins: 7, High: 4, Miner: miners.BatchHard{}},
	})
}

func TestHistogramRefuses(t *testing.T) {
	refuses(t, map[string]losses.Loss{
		"losses: histogram: bins: 0 is out of range":        losses.Histogram{Low: -1, High: 1},
		"losses: histogram: bins from low=1 to high=1":      losses.Histogram{Bins: 3, Low: 1, High: 1},
		"losses: histogram: high: NaN is out of range":      losses.Histogram{Bins: 3, High: math.NaN()},
		"leave miner-weighs out":                            losses.FastAP{Bins: 3, High: 1, MinerWeighs: true},
		"losses: fastap: bins from low=2 to high=1, want l": losses.FastAP{Bins: 3, Low: 2, High: 1},
	})
}

func init() {
	skip("pair_losses.json", "the library raises an index error where a similarity lies on the last edge; ours counts it there",
		map[string]any{"loss": "HistogramLoss", "case": "dup8"})
	for _, c := range finelyBinned {
		skip("pair_losses.json", "the library computes edges in float32; compared more coarsely",
			map[string]any{"loss": "HistogramLoss", "case": c, "setting": "default"})
	}
}

// finelyBinned are cases in which the reference's edges are off.
var finelyBinned = []string{"hand8", "pk32", "norm64", "imb12"}

// A bin is 1/50 wide, and its edges, numbers up to 2 in float32, are off by up to 2⁻²³: by six
// millionths of a bin, so that a pair's two edges, and the slopes of its part, are off by as much each.
func TestGoldenHistogramOfManyBins(t *testing.T) {
	checked := 0
	for _, r := range golden.Open(t, "pair_losses.json").Records {
		if r.Loss != "HistogramLoss" || len(r.Params) > 0 || !slices.Contains(finelyBinned, r.Case) {
			continue
		}
		v, err := losses.Evaluate(losses.Default[losses.Histogram](), r.Input.Embeddings.Data, r.Input.Labels, tensor.Float64)
		require.NoError(t, err)
		require.NoError(t, golden.Near(v.Loss, float64(r.Value), 2e-5), r.Case)
		require.NoError(t, r.Grad.Check(v.Gradient, r.Input.Embeddings.Rows, r.Input.Embeddings.Cols, 2e-5), r.Case)
		checked++
	}
	require.Equal(t, len(finelyBinned), checked)
}
