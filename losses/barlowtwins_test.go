package losses_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/losses"
)

func ExampleBarlowTwins() {
	show(losses.Default[losses.BarlowTwins]())
	// Output:
	// 1.005
}

func TestBarlowTwinsProperties(t *testing.T) {
	properties(t, map[string]losses.BarlowTwins{
		"default":   losses.Default[losses.BarlowTwins](),
		"redundant": {Redundancy: 1, Eps: 1e-3},
		"alone":     {Eps: 1e-5},
	}, viewOptions()...)
}

// barlowByThePaper is the loss of two views, of n rows of size e, by its formula.
func barlowByThePaper(x, y []float64, n, e int, lambda, eps float64) float64 {
	standard := func(x []float64) []float64 {
		out := make([]float64, len(x))
		for k := range e {
			var mean, variance float64
			for i := range n {
				mean += x[i*e+k] / float64(n)
			}
			for i := range n {
				variance += math.Pow(x[i*e+k]-mean, 2) / float64(n)
			}
			for i := range n {
				out[i*e+k] = (x[i*e+k] - mean) / math.Sqrt(variance+eps)
			}
		}
		return out
	}
	a, b := standard(x), standard(y)
	loss := 0.0
	for k := range e {
		for m := range e {
			c := 0.0
			for i := range n {
				c += a[i*e+k] * b[i*e+m] / float64(n)
			}
			if k == m {
				loss += (1 - c) * (1 - c)
			} else {
				loss += lambda * c * c
			}
		}
	}
	return loss
}

// A reference set is the second view, whatever the labels; in a batch it is the next row of the
// label, wherever that stands.
func TestBarlowTwinsByFormula(t *testing.T) {
	const n, e = 6, 4
	x, _ := randomBatch(1, n, e, 2)
	y, _ := randomBatch(2, n, e, 3)
	l := losses.BarlowTwins{Redundancy: 0.3, Eps: 1e-3}
	want := barlowByThePaper(x, y, n, e, 0.3, 1e-3)
	eval, err := losses.NewReferenceEvaluator(l, n, n, e, tensor.Float64)
	require.NoError(t, err)
	defer eval.Close()
	v, err := eval.ValueBetween(losses.Rows{Embeddings: x, Labels: make([]int, n)}, losses.Rows{Embeddings: y, Labels: make([]int, n)})
	require.NoError(t, err)
	require.InDelta(t, want, v.Loss, 1e-12)
	both, labels := append(append([]float64{}, x...), y...), make([]int, 2*n)
	for i := range labels {
		labels[i] = i % n
	}
	require.InDelta(t, want, value(t, l, both, labels), 1e-12)
	require.Zero(t, value(t, l, both[:3*e], []int{0, 1, 0}), "of one pair")
}

// Equal views of features that say nothing alike are at rest.
func TestBarlowTwinsAtRest(t *testing.T) {
	x := []float64{1, 1, 1, -1, -1, 1, -1, -1}
	eval, err := losses.NewReferenceEvaluator(losses.BarlowTwins{Redundancy: 1, Eps: 1e-12}, 4, 4, 2, tensor.Float64)
	require.NoError(t, err)
	defer eval.Close()
	v, err := eval.ValueBetween(losses.Rows{Embeddings: x, Labels: make([]int, 4)}, losses.Rows{Embeddings: x, Labels: make([]int, 4)})
	require.NoError(t, err)
	require.InDelta(t, 0, v.Loss, 1e-12)
}

func TestBarlowTwinsRefuses(t *testing.T) {
	refuses(t, map[string]losses.BarlowTwins{
		"losses: barlow-twins: eps: 0 is out of range":         {},
		"losses: barlow-twins: redundancy: -1 is out of range": {Redundancy: -1, Eps: 1},
	})
}
