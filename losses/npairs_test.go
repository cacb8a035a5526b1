package losses_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/losses"
	"medusa/losses/losstest"
	"medusa/miners"
	"medusa/pairs"
)

func init() {
	mappers["NPairsLoss"] = func(r *goldenRecord) losses.Loss {
		delete(r.left, "distance") // it is in the field of that name too
		return losses.NPairs{Metric: r.metric(), Reducer: r.reducer()}
	}
}

func ExampleNPairs() {
	show(losses.Default[losses.NPairs]())
	show(losses.NPairs{Metric: pairs.Dot{Raw: true}, L2: 0.002})
	// Output:
	// 0.437
	// 0.438
}

func TestNPairsProperties(t *testing.T) {
	properties(t, map[string]losses.NPairs{
		"default":     losses.Default[losses.NPairs](),
		"the paper's": {Metric: pairs.Dot{Raw: true}, L2: 0.1},
		"euclidean":   {Metric: pairs.LP{}},
		"batch-hard":  {Miner: miners.BatchHard{}},
		"semi-hard":   {Miner: semiHard(0.3)},
	}, losstest.Positional("the first pair of each class counts"))
	properties(t, map[string]losses.NPairs{"class weights": {Reducer: classWeights}}, losstest.ByClass("it has weights of classes"), losstest.Positional("the first pair of each class counts"))
}

// Rows of classes 7, 3, 7, 3, 7, 1: the pairs are rows (0, 2) and (1, 3). Class 1 has none.
func TestNPairsByHand(t *testing.T) {
	x, y := []float64{1, 2, 3, 5, 100, 200}, []int{7, 3, 7, 3, 7, 1}
	raw := pairs.Dot{Raw: true}
	term := func(own, other float64) float64 { return math.Log1p(math.Exp(other - own)) }
	want := (term(1*3, 1*5) + term(2*5, 2*3)) / 2
	require.InDelta(t, want, value(t, losses.NPairs{Metric: raw}, x, y), 1e-12)
	squares := ((1. + 9) + (4 + 25)) / 4 / 2
	require.InDelta(t, want+0.1*squares, value(t, losses.NPairs{Metric: raw, L2: 0.1}, x, y), 1e-12)
	// Of the pairs that a miner lists, the first of each class.
	l := losses.NPairs{Metric: raw, Miner: listed{[][2]int{{1, 3}, {2, 0}, {2, 4}, {4, 0}}, nil}}
	require.InDelta(t, (term(2*5, 2*1)+term(3*1, 3*5))/2, value(t, l, x, y), 1e-12)
}

// The lengths are those before the network normalises.
func TestNPairsOfRawLengths(t *testing.T) {
	x, y := []float64{1, 1, 1, 1}, []int{0, 0, 1, 1}
	raw := losses.Func(func(b pairs.Batch) graph.Expr {
		b.Raw = b.X.Scale(3)
		return losses.NPairs{L2: 1}.Loss(b)
	})
	require.InDelta(t, 2*9./4-2*1./4, value(t, raw, x, y)-value(t, losses.NPairs{L2: 1}, x, y), 1e-12)
}

// hiddenProduct is a metric that does not tell what it is a product of.
type hiddenProduct struct{ pairs.Metric }

// A metric that is a product is compared for the chosen pairs alone: value and gradient are those of
// all comparisons, and no matrix of the batch's rows is made.
func TestNPairsOfProducts(t *testing.T) {
	x, y := randomBatch(5, 24, 6, 5)
	for name, m := range map[string]pairs.Metric{"dot": pairs.Dot{}, "raw": pairs.Dot{Raw: true}, "cosine": pairs.Cosine{}, "p": pairs.Dot{P: 3}} {
		for _, miner := range []miners.Miner{nil, miners.BatchHard{}} {
			got, err := losses.Evaluate(losses.NPairs{Metric: m, Miner: miner, L2: 0.1}, x, y, tensor.Float64)
			require.NoError(t, err)
			want, err := losses.Evaluate(losses.NPairs{Metric: hiddenProduct{m}, Miner: miner, L2: 0.1}, x, y, tensor.Float64)
			require.NoError(t, err)
			require.InDelta(t, want.Loss, got.Loss, 1e-12, name)
			require.InDeltaSlice(t, want.Gradient, got.Gradient, 1e-12, name)
		}
	}
	const b, e = 23, 7
	for _, m := range []pairs.Metric{pairs.Dot{}, hiddenProduct{pairs.Dot{}}} {
		vm := planned(t, losses.NPairs{Metric: m}, b, e, 0)
		matrices := 0
		for _, n := range vm.(interface{ Nodes() gorgonia.Nodes }).Nodes() {
			if n.Op() != nil && n.Shape().TotalSize() >= b*b {
				matrices++
			}
		}
		require.Equal(t, m == pairs.Metric(pairs.Dot{}), matrices == 0, "%d matrices of %T", matrices, m)
		require.NoError(t, vm.Close())
	}
}

func TestNPairsRefuses(t *testing.T) {
	refuses(t, map[string]losses.NPairs{"losses: n-pairs: l2: -1 is out of range": {L2: -1}})
}
