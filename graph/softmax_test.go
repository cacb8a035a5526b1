package graph_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

var inf = math.Inf(1)

func logSoftmax(in []graph.Expr) graph.Expr { return graph.LogSoftmax(in[0]) }

func crossEntropy(smoothing float64) graphtest.Build {
	return func(in []graph.Expr) graph.Expr { return graph.CrossEntropy(in[0], in[1], smoothing) }
}

func TestLogSoftmaxAgainstFormula(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, s := range [][2]int{{1, 1}, {3, 5}, {17, 33}, {65, 301}} {
		x := graphtest.Random(rng, s[0], s[1])
		want := make([]float64, len(x.Values))
		for r := range s[0] {
			var sum float64
			row := x.Values[r*s[1] : (r+1)*s[1]]
			for _, v := range row {
				sum += math.Exp(v)
			}
			for c, v := range row {
				want[r*s[1]+c] = v - math.Log(sum)
			}
		}
		graphtest.Values(t, want, logSoftmax, x)
	}
}

// Large and infinite logits: the limits, worked out by hand.
func TestLogSoftmaxCorners(t *testing.T) {
	x := graphtest.Of([]float64{
		-inf, -inf, -inf,
		-inf, 0, 0,
		inf, 0, inf,
		1000, 0, -1000,
		-1000, -1000, -1000,
	}, 5, 3)
	graphtest.Values(t, []float64{
		-math.Log(3), -math.Log(3), -math.Log(3),
		-inf, -math.Ln2, -math.Ln2,
		-math.Ln2, -inf, -math.Ln2,
		0, -1000, -2000,
		-math.Log(3), -math.Log(3), -math.Log(3),
	}, logSoftmax, x)
	_, grads, err := graphtest.Eval(tensor.Float32, func(in []graph.Expr) graph.Expr {
		return graph.CrossEntropy(in[0], in[1], 0)
	}, x, graphtest.Data([]float64{0, 1, 2, 0, 2}, 5))
	require.NoError(t, err)
	requireFinite(t, grads[0])
}

func TestCrossEntropyAgainstFormula(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, eps := range []float64{0, 0.1, 1} {
		for _, s := range [][2]int{{1, 1}, {1, 4}, {5, 3}, {33, 70}} {
			x := graphtest.Random(rng, s[0], s[1])
			labels := make([]float64, s[0])
			want := make([]float64, s[0])
			for r := range labels {
				labels[r] = float64(rng.IntN(s[1]))
				var sum float64
				row := x.Values[r*s[1] : (r+1)*s[1]]
				for _, v := range row {
					sum += math.Exp(v)
				}
				for c, v := range row {
					q := eps / float64(s[1])
					if c == int(labels[r]) {
						q += 1 - eps
					}
					want[r] -= q * (v - math.Log(sum))
				}
			}
			graphtest.Values(t, want, crossEntropy(eps), x, graphtest.Data(labels, s[0]))
			if s[1] < 10 {
				graphtest.Gradient(t, crossEntropy(eps), x, graphtest.Data(labels, s[0]))
			}
		}
	}
	graphtest.Gradient(t, logSoftmax, graphtest.Random(rng, 4, 7))
}

func TestLabelOutOfRange(t *testing.T) {
	x := graphtest.Of(make([]float64, 6), 2, 3)
	for _, bad := range []float64{-1, 3, 1.5, math.NaN(), inf, 1e30} {
		for name, build := range map[string]graphtest.Build{"cross-entropy": crossEntropy(0.1), "gather": gather} {
			_, _, err := graphtest.Eval(tensor.Float64, build, x, graphtest.Data([]float64{1, bad}, 2))
			require.ErrorContains(t, err, "at position 1, want a whole number from 0 to", name)
		}
	}
}

func requireFinite(t *testing.T, xs []float64) {
	t.Helper()
	for i, x := range xs {
		require.False(t, math.IsNaN(x) || math.IsInf(x, 0), "entry %d is %v", i, x)
	}
}

// Infinite entries are the limits, along every axis.
func TestSoftmaxCorners(t *testing.T) {
	x := []float64{-inf, -inf, -inf, -inf, 0, 0, inf, 0, inf, 1000, 0, -1000}
	want := []float64{1. / 3, 1. / 3, 1. / 3, 0, .5, .5, .5, 0, .5, 1, 0, 0}
	rows := func(in []graph.Expr) graph.Expr { return in[0].Softmax(1) }
	graphtest.Values(t, want, rows, graphtest.Of(x, 4, 3))
	columns := func(in []graph.Expr) graph.Expr { return in[0].Softmax(0) }
	graphtest.Values(t, permuted(want, []int{4, 3}, []int{1, 0}), columns, graphtest.Of(permuted(x, []int{4, 3}, []int{1, 0}), 3, 4))
	_, grads, err := graphtest.Eval(tensor.Float32, rows, graphtest.Of(x, 4, 3))
	require.NoError(t, err)
	requireFinite(t, grads[0])
}
