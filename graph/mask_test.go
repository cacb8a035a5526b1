package graph_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

func TestPairMasks(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	for _, b := range []int{1, 2, 5, 33} {
		labels := make([]float64, b)
		for i := range labels {
			labels[i] = float64(rng.IntN(3))*1e6 - 1
		}
		var pos, neg, eye []float64
		for i, y := range labels {
			for j, z := range labels {
				pos = append(pos, truth(y == z && i != j))
				neg = append(neg, truth(y != z))
				eye = append(eye, truth(i == j))
			}
		}
		y := graphtest.Data(labels, b)
		graphtest.Values(t, pos, func(in []graph.Expr) graph.Expr { p, _ := graph.PairMasks(in[0]); return p }, y)
		graphtest.Values(t, neg, func(in []graph.Expr) graph.Expr { _, n := graph.PairMasks(in[0]); return n }, y)
		graphtest.Values(t, eye, func(in []graph.Expr) graph.Expr { return graph.Identity(in[0], b) }, y)
	}
}

func TestSameLabel(t *testing.T) {
	graphtest.Values(t, []float64{0, 1, 0, 1, 0, 1}, func(in []graph.Expr) graph.Expr { return graph.SameLabel(in[0], in[1]) },
		graphtest.Data([]float64{4, 7}, 2), graphtest.Data([]float64{7, 4, 7}, 3))
}

type reduction struct {
	name  string
	rows  bool // one value a row
	apply func(mask, x graph.Expr) graph.Expr
	value func(chosen []float64) float64
}

// reductions are the masked reductions with their meaning: what they make of the chosen
// entries of a row, or of all of a matrix.
var reductions = []reduction{
	{"sum", false, graph.SumOver, sum},
	{"mean", false, graph.MeanOver, mean},
	{"row sum", true, graph.RowSum, sum},
	{"row mean", true, graph.RowMean, mean},
	{"row max", true, func(m, x graph.Expr) graph.Expr { return graph.RowMax(m, x, -7) }, func(xs []float64) float64 {
		return fold(xs, -7, math.Max)
	}},
	{"row min", true, func(m, x graph.Expr) graph.Expr { return graph.RowMin(m, x, 7) }, func(xs []float64) float64 {
		return fold(xs, 7, math.Min)
	}},
	{"row log-sum-exp", true, func(m, x graph.Expr) graph.Expr { return graph.RowLogSumExp(m, x, -9) }, func(xs []float64) float64 {
		var total float64
		for _, x := range xs {
			total += math.Exp(x)
		}
		if len(xs) == 0 {
			return -9
		}
		return math.Log(total)
	}},
}

func sum(xs []float64) (total float64) {
	for _, x := range xs {
		total += x
	}
	return total
}

func mean(xs []float64) float64 { return sum(xs) / max(1, float64(len(xs))) }

func fold(xs []float64, empty float64, f func(x, y float64) float64) float64 {
	if len(xs) == 0 {
		return empty
	}
	best := xs[0]
	for _, x := range xs {
		best = f(best, x)
	}
	return best
}

func TestMaskedReductions(t *testing.T) {
	for _, r := range reductions {
		t.Run(r.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(6, 2))
			for _, s := range [][2]int{{1, 1}, {1, 6}, {5, 1}, {4, 7}, {70, 33}} {
				for _, p := range []float64{0, 0.3, 1} {
					x, mask := graphtest.Random(rng, s[0], s[1]), graphtest.Mask(rng, p, s[0], s[1])
					build := func(in []graph.Expr) graph.Expr { return r.apply(in[1], in[0]) }
					graphtest.Values(t, r.want(x, mask), build, x, mask)
					if len(x.Values) < 100 {
						graphtest.Gradient(t, build, x, mask)
					}
				}
			}
		})
	}
}

// What is under the mask counts in no way, whatever it is; nor does it get a gradient.
func TestMaskedOutIsInvisible(t *testing.T) {
	x := graphtest.Of([]float64{1, nan, inf, 2, -inf, nan, nan, inf, 3}, 3, 3)
	mask := graphtest.Data([]float64{1, 0, 0, 1, 0, 0, 0, 0, 1}, 3, 3)
	for _, r := range reductions {
		t.Run(r.name, func(t *testing.T) {
			build := func(in []graph.Expr) graph.Expr { return r.apply(in[1], in[0]) }
			graphtest.Values(t, r.want(x, mask), build, x, mask)
			for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
				_, grads, err := graphtest.Eval(dt, build, x, mask)
				require.NoError(t, err)
				for i, g := range grads[0] {
					require.False(t, math.IsNaN(g) || math.IsInf(g, 0))
					require.Equal(t, mask.Values[i] == 0, g == 0, "entry %d", i)
				}
			}
		})
	}
}

// want is the reduction of x by a plain loop.
func (r reduction) want(x, mask graphtest.Input) []float64 {
	var all, want []float64
	for i := range x.Shape[0] {
		var row []float64
		for j := range x.Shape[1] {
			if k := i*x.Shape[1] + j; mask.Values[k] != 0 {
				row = append(row, x.Values[k])
			}
		}
		all = append(all, row...)
		want = append(want, r.value(row))
	}
	if r.rows {
		return want
	}
	return []float64{r.value(all)}
}

// Large and infinite entries, from the limits; a tie's gradient goes to the first entry.
func TestReductionCorners(t *testing.T) {
	lse := func(in []graph.Expr) graph.Expr { return graph.RowLogSumExp(in[1], in[0], 0) }
	x := graphtest.Of([]float64{
		1e4, 1e4,
		-1e4, -1e4,
		-inf, -inf,
		-inf, 2,
		inf, 2,
	}, 5, 2)
	mask := graphtest.Data(constants(1, 10), 5, 2)
	graphtest.Values(t, []float64{1e4 + math.Ln2, -1e4 + math.Ln2, -inf, 2, inf}, lse, x, mask)
	for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
		_, grads, err := graphtest.Eval(dt, lse, x, mask)
		require.NoError(t, err)
		requireFinite(t, grads[0])
		w := graphtest.Weights(5)
		require.InDelta(t, w[0]/2, grads[0][0], 1e-6)
		require.Equal(t, 0.0, grads[0][6])
		require.InDelta(t, w[3], grads[0][7], 1e-6)
	}
	tied := graphtest.Of([]float64{2, 5, 5, 2, 1, 9}, 2, 3)
	for name, c := range map[string]struct {
		apply func(mask, x graph.Expr, empty float64) graph.Expr
		first [2]int
	}{"max": {graph.RowMax, [2]int{1, 5}}, "min": {graph.RowMin, [2]int{0, 4}}} {
		t.Run(name, func(t *testing.T) {
			_, grads, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
				return c.apply(in[1], in[0], 0)
			}, tied, graphtest.Data(constants(1, 6), 2, 3))
			require.NoError(t, err)
			want := make([]float64, 6)
			for r, k := range c.first {
				want[k] = graphtest.Weights(2)[r]
			}
			require.Equal(t, want, grads[0])
		})
	}
}

// A NaN that is not under the mask shows.
func TestReductionOfNaN(t *testing.T) {
	x := graphtest.Of([]float64{1, nan, 3}, 1, 3)
	for _, r := range reductions {
		graphtest.Values(t, []float64{nan}, func(in []graph.Expr) graph.Expr { return r.apply(in[1], in[0]) },
			x, graphtest.Data(constants(1, 3), 1, 3))
	}
}

func TestWhere(t *testing.T) {
	x := graphtest.Of([]float64{1, nan, inf, 4}, 2, 2)
	mask := graphtest.Data([]float64{1, 0, 0, 1}, 2, 2)
	where := func(in []graph.Expr) graph.Expr { return graph.Where(in[1], in[0], -2) }
	graphtest.Values(t, []float64{1, -2, -2, 4}, where, x, mask)
	rng := rand.New(rand.NewPCG(6, 3))
	graphtest.Gradient(t, where, graphtest.Random(rng, 5, 3), graphtest.Mask(rng, 0.5, 5, 3))
}

func ExamplePairMasks() {
	g := gorgonia.NewGraph()
	pos, neg := graph.PairMasks(value(g, "labels", []float64{3, 8, 3}, 3))
	number(pos)
	number(neg)
	// Output:
	// [0 0 1 0 0 0 1 0 0] <nil>
	// [0 1 0 1 0 1 0 1 0] <nil>
}
