package losses_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/losses"
	"medusa/losses/losstest"
	"medusa/miners"
	"medusa/pairs"
)

// beginnings are the first m numbers of rows of e.
func beginnings(x []float64, e, m int) (out []float64) {
	for i := 0; i < len(x); i += e {
		out = append(out, x[i:i+m]...)
	}
	return out
}

// The loss is the weighted sum of that of the beginnings, and so is its gradient.
func TestMatryoshkaIsTheSumOverSizes(t *testing.T) {
	x, y := randomBatch(4, 9, 6, 3)
	of := losses.Contrastive{NegMargin: 1, Metric: pairs.LP{P: 1, Raw: true}, Reducer: pairs.Mean{}}
	sizes, weights := []int{2, 6, 3}, []float64{1, 0.5, 2}
	got, err := losses.Evaluate(losses.Matryoshka{Of: of, Sizes: sizes, Weights: weights, Raw: true}, x, y, tensor.Float64)
	require.NoError(t, err)
	want, gradient := 0.0, make([]float64, len(x))
	for i, m := range sizes {
		v, err := losses.Evaluate(of, beginnings(x, 6, m), y, tensor.Float64)
		require.NoError(t, err)
		want += weights[i] * v.Loss
		for k, g := range v.Gradient {
			gradient[k/m*6+k%m] += weights[i] * g
		}
	}
	require.InDelta(t, want, got.Loss, 1e-12)
	require.InDeltaSlice(t, gradient, got.Gradient, 1e-12)

	// Of a loss that takes embeddings as they are, the beginnings are normalised.
	normalised := value(t, losses.Matryoshka{Of: of, Sizes: []int{2}}, x, y)
	unit := losses.Func(func(b pairs.Batch) graph.Expr { b.X = graph.Normalize(b.X); return of.Loss(b) })
	require.InDelta(t, value(t, unit, beginnings(x, 6, 2), y), normalised, 1e-12)
}

func TestMatryoshkaSizesOfItsOwn(t *testing.T) {
	x, y := randomBatch(4, 9, 40, 3)
	of := losses.Default[losses.Contrastive]()
	require.InDelta(t, value(t, losses.Matryoshka{Of: of, Sizes: []int{10, 20, 40}}, x, y), value(t, losses.Matryoshka{Of: of}, x, y), 1e-12)
}

// A classifier has its weights once, and goes by their beginnings.
func TestMatryoshkaClassifier(t *testing.T) {
	x, y := randomBatch(4, 9, 6, 3)
	ce := headOf(3)
	ce.Head, ce.LRScale = losses.LinearHead, 1
	v, err := losses.Evaluate(losses.Matryoshka{Of: ce, Sizes: []int{2}, Raw: true}, x, y, tensor.Float64)
	require.NoError(t, err)
	small := headOf(3)
	small.Head, small.LRScale = losses.LinearHead, 1
	w := ce.Params().Lookup("classifier.weight").Value.Float64s()
	require.Len(t, w, 18)
	before, err := losses.Evaluate(small, beginnings(x, 6, 2), y, tensor.Float64)
	require.NoError(t, err)
	require.NotEqual(t, before.Loss, v.Loss)
	copy(small.Params().Lookup("classifier.weight").Value.Float64s(), beginnings(w, 6, 2))
	want, err := losses.Evaluate(small, beginnings(x, 6, 2), y, tensor.Float64)
	require.NoError(t, err)
	require.InDelta(t, want.Loss, v.Loss, 1e-12)
	require.InDeltaSlice(t, want.Params["classifier.weight"], beginnings(v.Params["classifier.weight"], 6, 2), 1e-12)
}

func TestMatryoshkaProperties(t *testing.T) {
	properties(t, map[string]losses.Matryoshka{
		"contrastive": {Of: losses.Default[losses.Contrastive](), Sizes: []int{2, 4, 6}},
		"mined":       {Of: losses.Triplet{Margin: 0.2, Miner: miners.BatchHard{}}, Sizes: []int{3, 6}, Weights: []float64{0.5, 1}},
		"raw":         {Of: losses.Default[losses.LiftedStructure](), Sizes: []int{1, 6}, Raw: true},
	})
	properties(t, map[string]losses.Matryoshka{"classifier": {Of: head(), Sizes: []int{2, 6}}},
		losstest.ByClass("it has weights of classes"), losstest.NoReference("a head compares with its own weights"))
}

func TestMatryoshkaRefuses(t *testing.T) {
	of := losses.Default[losses.Contrastive]()
	refuses(t, map[string]losses.Loss{ // of embeddings of 2 numbers
		"a size of 3, but embeddings have 2 numbers": losses.Matryoshka{Of: of, Sizes: []int{3}},
		"sizes: 0 is out of range":                   losses.Matryoshka{Of: of, Sizes: []int{0}},
		"the size 1 is given twice":                  losses.Matryoshka{Of: of, Sizes: []int{1, 1}},
		"2 weights for 1 sizes":                      losses.Matryoshka{Of: of, Sizes: []int{1}, Weights: []float64{1, 1}},
		"2 weights for 1 sizes, want":                losses.Matryoshka{Of: of, Weights: []float64{1, 1}},
		"one of them above":                          losses.Matryoshka{Of: of, Sizes: []int{1}, Weights: []float64{0}},
		"put it around":                              losses.Matryoshka{Of: memoryOf(of, 3)},
		"of: nil, want a loss":                       losses.Matryoshka{},
	})
}

// A memory goes around, and texts make both.
func TestMatryoshkaInAMemory(t *testing.T) {
	x, y := randomBatch(3, 8, 5, 3)
	l := parsed(t, "cross-batch-memory(of=matryoshka(of=contrastive, sizes=[2, 5], weights=[1, 2]), size=8, warmup=0)")
	alone := parsed(t, "matryoshka(of=contrastive, sizes=[2, 5], weights=[1, 2])")
	require.InDelta(t, value(t, alone, x, y), value(t, l, x, y), 1e-12)
	x, y = randomBatch(4, 8, 5, 3)
	require.NotEqual(t, value(t, alone, x, y), value(t, l, x, y))
}

func ExampleMatryoshka() {
	show(losses.Matryoshka{Of: losses.Triplet{Margin: 0.2}, Sizes: []int{1, 2}})
	// Output:
	// 0.748
}
