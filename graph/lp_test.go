package graph_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

var norms = []float64{1, 1.5, 2, 3, 4, 7.25, 60, math.Inf(1)}

// normOf is the p-norm by its formula.
func normOf(x []float64, p float64) float64 {
	if math.IsInf(p, 1) {
		return largest(x)
	}
	var sum float64
	for _, v := range x {
		sum += math.Pow(math.Abs(v), p)
	}
	return math.Pow(sum, 1/p)
}

func TestLpDistances(t *testing.T) {
	for _, p := range norms {
		t.Run(fmt.Sprint("p=", p), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(9, 1))
			for _, s := range [][3]int{{1, 1, 1}, {4, 6, 5}, {9, 3, 17}} {
				n, m, e := s[0], s[1], s[2]
				x, y := graphtest.Random(rng, n, e), graphtest.Random(rng, m, e)
				var want, self []float64
				for i := range n {
					diff := make([]float64, e)
					to := func(b []float64) float64 {
						for k := range diff {
							diff[k] = x.Values[i*e+k] - b[k]
						}
						return normOf(diff, p)
					}
					for j := range m {
						want = append(want, to(y.Values[j*e:(j+1)*e]))
					}
					for j := range n {
						self = append(self, to(x.Values[j*e:(j+1)*e]))
					}
				}
				between := func(in []graph.Expr) graph.Expr { return graph.LpDistances(in[0], in[1], p) }
				itself := func(in []graph.Expr) graph.Expr { return graph.LpDistances(in[0], in[0], p) }
				graphtest.Values(t, want, between, x, y)
				graphtest.Values(t, self, itself, x)
				graphtest.Gradient(t, between, x, y)
				graphtest.Gradient(t, offDiagonal(itself), x)
				normal := make([]float64, 0, n*e)
				for i := range n {
					row := x.Values[i*e : (i+1)*e]
					for _, v := range row {
						normal = append(normal, v/normOf(row, p))
					}
				}
				normalize := func(in []graph.Expr) graph.Expr { return graph.NormalizeLp(in[0], p) }
				graphtest.Values(t, normal, normalize, x)
				if e > 1 { // ±1 has a kink at 0 alone
					graphtest.Gradient(t, normalize, x)
				}
			}
		})
	}
}

// Equal rows lie at 0 and pull nowhere; numbers whose powers overflow or vanish do not.
func TestLpCorners(t *testing.T) {
	x := graphtest.Of([]float64{1e18, -2, 1e18, -2, -1e18, 1, 1e-18, 2e-18}, 4, 2)
	for _, p := range norms {
		for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
			d, grads, err := graphtest.Eval(dt, func(in []graph.Expr) graph.Expr { return graph.LpDistances(in[0], in[0], p) }, x)
			require.NoError(t, err)
			requireFinite(t, d)
			requireFinite(t, grads[0])
			require.Equal(t, []float64{0, 0, 0}, []float64{d[0], d[1], d[4]})
			require.InEpsilon(t, 2e18, d[2], 1e-6, "p = %g", p)
			y, grads, err := graphtest.Eval(dt, func(in []graph.Expr) graph.Expr { return graph.NormalizeLp(in[0], p) }, x)
			require.NoError(t, err)
			requireFinite(t, y)
			requireFinite(t, grads[0])
		}
	}
	// Of several largest the first has the gradient.
	_, grads, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr { return graph.LpDistances(in[0], in[1], math.Inf(1)) },
		graphtest.Of([]float64{1, -3, 3}, 1, 3), graphtest.Of([]float64{0, 0, 0}, 1, 3))
	require.NoError(t, err)
	w := graphtest.Weights(1)[0]
	require.Equal(t, []float64{0, -w, 0}, grads[0])
	require.Equal(t, []float64{0, w, 0}, grads[1])
	// A row that is not finite has no distance.
	bad := graphtest.Data([]float64{nan, 1, 2, 3, inf, 0}, 3, 2)
	graphtest.Values(t, []float64{nan, nan, nan, nan, 0, nan, nan, nan, nan}, func(in []graph.Expr) graph.Expr { return graph.LpDistances(in[0], in[0], 3) }, bad)
}
