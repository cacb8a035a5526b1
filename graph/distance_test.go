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

// comparisons are distances and products with their meaning for two rows.
var comparisons = map[string]struct {
	between func(x, y graph.Expr) graph.Expr
	value   func(a, b []float64) float64
}{
	"euclidean": {graph.DistancesBetween, func(a, b []float64) float64 { return math.Sqrt(squared(a, b)) }},
	"squared":   {graph.SquaredDistancesBetween, squared},
	"manhattan": {func(x, y graph.Expr) graph.Expr { return graph.LpDistances(x, y, 1) }, func(a, b []float64) (d float64) {
		for k := range a {
			d += math.Abs(a[k] - b[k])
		}
		return d
	}},
	"dot": {graph.DotProducts, dot},
	"snr": {graph.SNRDistances, func(a, b []float64) float64 {
		diff := make([]float64, len(a))
		for k := range a {
			diff[k] = a[k] - b[k]
		}
		return variance(diff) / variance(a)
	}},
}

func squared(a, b []float64) (d float64) {
	for k := range a {
		d += (a[k] - b[k]) * (a[k] - b[k])
	}
	return d
}

func dot(a, b []float64) (s float64) {
	for k := range a {
		s += a[k] * b[k]
	}
	return s
}

func variance(a []float64) float64 {
	m := mean(a)
	var s float64
	for _, v := range a {
		s += (v - m) * (v - m)
	}
	return s / float64(len(a)-1)
}

// normalized is x with each row divided by its p-norm, of p = 1 or 2.
func normalized(x graphtest.Input, p int) graphtest.Input {
	y := graphtest.Of(append([]float64(nil), x.Values...), x.Shape...)
	for i := range x.Shape[0] {
		row := y.Values[i*x.Shape[1] : (i+1)*x.Shape[1]]
		n := math.Sqrt(dot(row, row))
		if p == 1 {
			n = 0
			for _, v := range row {
				n += math.Abs(v)
			}
		}
		for j := range row {
			row[j] /= n
		}
	}
	return y
}

func TestComparisons(t *testing.T) {
	for name, c := range comparisons {
		t.Run(name, func(t *testing.T) { checkComparison(t, c.between, c.value) })
	}
}

func checkComparison(t *testing.T, compare func(x, y graph.Expr) graph.Expr, value func(a, b []float64) float64) {
	rng := rand.New(rand.NewPCG(7, 1))
	between := func(in []graph.Expr) graph.Expr { return compare(in[0], in[1]) }
	self := func(in []graph.Expr) graph.Expr { return compare(in[0], in[0]) }
	for _, s := range [][3]int{{1, 1, 3}, {4, 6, 5}, {5, 1, 4}, {13, 9, 17}} {
		n, k, e := s[0], s[1], s[2]
		x, y := graphtest.Random(rng, n, e), graphtest.Random(rng, k, e)
		var want, wantSelf []float64
		for i := range n {
			a := x.Values[i*e : (i+1)*e]
			for j := range k {
				want = append(want, value(a, y.Values[j*e:(j+1)*e]))
			}
			for j := range n {
				wantSelf = append(wantSelf, value(a, x.Values[j*e:(j+1)*e]))
			}
		}
		graphtest.Values(t, want, between, x, y)
		graphtest.Values(t, wantSelf, self, x)
		if n < 10 {
			graphtest.Gradient(t, between, x, y)
			graphtest.Gradient(t, func(in []graph.Expr) graph.Expr { return compare(in[0].Detach(), in[1]) }, withoutGradient(x), y)
			graphtest.Gradient(t, offDiagonal(self), x)
		}
	}
}

func withoutGradient(x graphtest.Input) graphtest.Input {
	x.Data = true
	return x
}

// offDiagonal leaves out the distances of rows to themselves: a kink at 0.
func offDiagonal(f graphtest.Build) graphtest.Build {
	return func(in []graph.Expr) graph.Expr {
		d := f(in)
		return graph.Where(graph.Identity(d, d.Shape()[0]).Not(), d, 0)
	}
}

// Equal rows lie at distance exactly 0, in both types, and pull nowhere.
func TestZeroDistances(t *testing.T) {
	row := []float64{0.1, -0.7, 1e-3}
	x := graphtest.Of(append(append(append([]float64{}, row...), row...), 0, 0, 0), 3, 3) // the last row is 0
	for name, c := range comparisons {
		for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
			d, grads, err := graphtest.Eval(dt, func(in []graph.Expr) graph.Expr { return c.between(in[0], in[0]) }, x)
			require.NoError(t, err)
			requireFinite(t, d)
			requireFinite(t, grads[0])
			if name != "dot" {
				require.Equal(t, []float64{0, 0, 0, 0, 0}, []float64{d[0], d[1], d[3], d[4], d[8]}, name)
			}
		}
	}
	_, grads, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
		return graph.Distances(in[0].Slice(0, 0, 2))
	}, x)
	require.NoError(t, err)
	require.Equal(t, make([]float64, 9), grads[0])
}

func TestNormalize(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 2))
	for _, s := range [][2]int{{1, 1}, {5, 3}, {300, 65}} {
		x := graphtest.Random(rng, s[0], s[1])
		graphtest.Values(t, normalized(x, 2).Values, unary(graph.Normalize), x)
		graphtest.Values(t, normalized(x, 1).Values, unary(graph.NormalizeL1), x)
	}
	graphtest.Gradient(t, unary(graph.Normalize), graphtest.Random(rng, 4, 5))
	graphtest.Gradient(t, unary(graph.NormalizeL1), graphtest.Random(rng, 4, 5))
	// A zero row stays zero and its gradient, though large, is finite.
	zero := graphtest.Of(make([]float64, 3), 1, 3)
	graphtest.Values(t, zero.Values, unary(graph.Normalize), zero)
	_, grads, err := graphtest.Eval(tensor.Float32, unary(graph.Normalize), zero)
	require.NoError(t, err)
	requireFinite(t, grads[0])
}

func TestDistanceShortcuts(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 3))
	x, y := graphtest.Random(rng, 3, 4), graphtest.Random(rng, 2, 4)
	want, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
		return graph.DistancesBetween(in[0], in[1])
	}, x, y)
	require.NoError(t, err)
	graphtest.Values(t, want, func(in []graph.Expr) graph.Expr { return graph.LpDistances(in[0], in[1], 2) }, x, y)
	want, _, err = graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
		return graph.DistancesBetween(in[0], in[0])
	}, x)
	require.NoError(t, err)
	graphtest.Values(t, want, unary(graph.Distances), x)
	graphtest.Values(t, want, func(in []graph.Expr) graph.Expr { return graph.SquaredDistances(in[0]).Sqrt() }, x)
}

func ExampleDistancesBetween() {
	x := graphtest.Of([]float64{3, 4, 0, 2}, 2, 2)
	for _, between := range []func(x, y graph.Expr) graph.Expr{graph.DistancesBetween, graph.SquaredDistancesBetween, graph.DotProducts} {
		d, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr { return between(in[0], in[0]) }, x)
		fmt.Printf("%.3f %v\n", d, err)
	}
	// Output:
	// [0.000 3.606 3.606 0.000] <nil>
	// [0.000 13.000 13.000 0.000] <nil>
	// [25.000 8.000 8.000 4.000] <nil>
}
