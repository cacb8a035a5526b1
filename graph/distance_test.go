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

// metrics are the kinds with their meaning for two raw rows.
var metrics = map[graph.Kind]func(a, b []float64) float64{
	graph.Euclidean:        func(a, b []float64) float64 { return math.Sqrt(squared(a, b)) },
	graph.SquaredEuclidean: squared,
	graph.Manhattan: func(a, b []float64) (d float64) {
		for k := range a {
			d += math.Abs(a[k] - b[k])
		}
		return d
	},
	graph.Dot: dot,
	graph.Cosine: func(a, b []float64) float64 {
		return dot(a, b) / math.Sqrt(dot(a, a)*dot(b, b))
	},
	graph.SNR: func(a, b []float64) float64 {
		diff := make([]float64, len(a))
		for k := range a {
			diff[k] = a[k] - b[k]
		}
		return variance(diff) / variance(a)
	},
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

// normalized is x with each row divided by its norm of the kind.
func normalized(x graphtest.Input, k graph.Kind) graphtest.Input {
	y := graphtest.Of(append([]float64(nil), x.Values...), x.Shape...)
	for i := range x.Shape[0] {
		row := y.Values[i*x.Shape[1] : (i+1)*x.Shape[1]]
		n := math.Sqrt(dot(row, row))
		if k == graph.Manhattan {
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

func TestMetrics(t *testing.T) {
	for kind, value := range metrics {
		for _, raw := range []bool{true, false} {
			m := graph.Metric{Kind: kind, Raw: raw}
			t.Run(fmt.Sprintf("%+v", m), func(t *testing.T) { checkMetric(t, m, value) })
		}
	}
}

func checkMetric(t *testing.T, m graph.Metric, value func(a, b []float64) float64) {
	rng := rand.New(rand.NewPCG(7, 1))
	between := func(in []graph.Expr) graph.Expr { return m.Between(in[0], in[1]) }
	self := func(in []graph.Expr) graph.Expr { return m.Self(in[0]) }
	for _, s := range [][3]int{{1, 1, 3}, {4, 6, 5}, {5, 1, 4}, {13, 9, 17}} {
		n, k, e := s[0], s[1], s[2]
		x, y := graphtest.Random(rng, n, e), graphtest.Random(rng, k, e)
		u, v := x, y
		if !m.Raw {
			u, v = normalized(x, m.Kind), normalized(y, m.Kind)
		}
		var want, wantSelf []float64
		for i := range n {
			a := u.Values[i*e : (i+1)*e]
			for j := range k {
				want = append(want, value(a, v.Values[j*e:(j+1)*e]))
			}
			for j := range n {
				wantSelf = append(wantSelf, value(a, u.Values[j*e:(j+1)*e]))
			}
		}
		graphtest.Values(t, want, between, x, y)
		graphtest.Values(t, wantSelf, self, x)
		if n < 10 {
			graphtest.Gradient(t, between, x, y)
			graphtest.Gradient(t, func(in []graph.Expr) graph.Expr { return m.Between(in[0].Detach(), in[1]) }, withoutGradient(x), y)
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
	for kind := range metrics {
		for _, raw := range []bool{true, false} {
			m := graph.Metric{Kind: kind, Raw: raw}
			for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
				d, grads, err := graphtest.Eval(dt, func(in []graph.Expr) graph.Expr { return m.Self(in[0]) }, x)
				require.NoError(t, err)
				requireFinite(t, d)
				requireFinite(t, grads[0])
				if !m.Similarity() {
					require.Equal(t, []float64{0, 0, 0, 0, 0}, []float64{d[0], d[1], d[3], d[4], d[8]}, "%+v", m)
				}
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
		graphtest.Values(t, normalized(x, graph.Euclidean).Values, unary(graph.Normalize), x)
		graphtest.Values(t, normalized(x, graph.Manhattan).Values, unary(graph.NormalizeL1), x)
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
		return graph.Metric{Raw: true}.Between(in[0], in[1])
	}, x, y)
	require.NoError(t, err)
	graphtest.Values(t, want, func(in []graph.Expr) graph.Expr { return graph.DistancesBetween(in[0], in[1]) }, x, y)
	want, _, err = graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
		return graph.Metric{Raw: true}.Self(in[0])
	}, x)
	require.NoError(t, err)
	graphtest.Values(t, want, unary(graph.Distances), x)
	graphtest.Values(t, want, func(in []graph.Expr) graph.Expr { return graph.SquaredDistances(in[0]).Sqrt() }, x)
}

func ExampleMetric() {
	x := graphtest.Of([]float64{3, 4, 0, 2}, 2, 2)
	for _, m := range []graph.Metric{{Raw: true}, {Kind: graph.SquaredEuclidean, Raw: true}, {Kind: graph.Cosine}} {
		d, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr { return m.Self(in[0]) }, x)
		fmt.Printf("%.3f %v\n", d, err)
	}
	// Output:
	// [0.000 3.606 3.606 0.000] <nil>
	// [0.000 13.000 13.000 0.000] <nil>
	// [1.000 0.800 0.800 1.000] <nil>
}
