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

// pairedSoftmax is what PairedSoftmax means.
func pairedSoftmax(x, y, partners []float64, d int) []float64 {
	product := func(a, k int) (sum float64) {
		for i := range d {
			sum += x[a*d+i] * y[k*d+i]
		}
		return sum
	}
	chosen := map[int]bool{}
	for _, p := range partners {
		if p >= 0 {
			chosen[int(p)] = true
		}
	}
	out := make([]float64, len(partners))
	for a, p := range partners {
		if p < 0 {
			continue
		}
		top := 0.0 // the 1
		for k := range chosen {
			top = max(top, product(a, k)-product(a, int(p)))
		}
		sum := math.Exp(-top)
		for k := range chosen {
			if k != int(p) {
				sum += math.Exp(product(a, k) - product(a, int(p)) - top)
			}
		}
		out[a] = top + math.Log(sum)
	}
	return out
}

func evalPaired(in []graph.Expr) graph.Expr { return graph.PairedSoftmax(in[0], in[1], in[2]) }

func TestPairedSoftmax(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	const n, m, d = 7, 5, 3
	x, y := graphtest.Random(rng, n, d), graphtest.Random(rng, m, d)
	for name, partners := range map[string][]float64{
		"some":           {2, -1, -1, 0, 4, -1, 1},
		"one for two":    {2, 2, -1, 0, 0, 0, -1},
		"all":            {0, 1, 2, 3, 4, 0, 1},
		"one alone":      {-1, -1, 3, -1, -1, -1, -1},
		"two of one row": {-1, 3, 3, -1, -1, -1, -1},
		"none":           {-1, -1, -1, -1, -1, -1, -1},
	} {
		t.Run(name, func(t *testing.T) {
			p := graphtest.Data(partners, n, 1)
			graphtest.Values(t, pairedSoftmax(x.Values, y.Values, partners, d), evalPaired, x, y, p)
			graphtest.Gradient(t, evalPaired, x, y, p)
		})
	}
	// x and y may be one.
	graphtest.Gradient(t, func(in []graph.Expr) graph.Expr { return graph.PairedSoftmax(in[0], in[0], in[1]) },
		x, graphtest.Data([]float64{1, -1, 5, -1, -1, 6, 0}, n, 1))
}

// Products of ±1000 are right, where their powers are no numbers.
func TestPairedSoftmaxOfFarProducts(t *testing.T) {
	x, y := graphtest.Of([]float64{1000, -1000, 500}, 3, 1), graphtest.Of([]float64{1, -1, 0}, 3, 1)
	for _, partners := range [][]float64{{0, 1, 2}, {1, 0, 2}, {-1, 2, 0}} {
		graphtest.Values(t, pairedSoftmax(x.Values, y.Values, partners, 1), evalPaired, x, y, graphtest.Data(partners, 3, 1))
		graphtest.Gradient(t, evalPaired, x, y, graphtest.Data(partners, 3, 1))
	}
}

// What is not a number shows where it counts, and nowhere else.
func TestPairedSoftmaxOfNaN(t *testing.T) {
	y := graphtest.Of([]float64{1, math.NaN(), 2}, 3, 1)
	for spoilt, partners := range map[bool][]float64{true: {1, 2}, false: {0, 2}} {
		got, _, err := graphtest.Eval(tensor.Float32, evalPaired, graphtest.Of([]float64{1, 1}, 2, 1), y, graphtest.Data(partners, 2, 1))
		require.NoError(t, err)
		require.Equal(t, spoilt, math.IsNaN(got[0]))
		require.Equal(t, spoilt, math.IsNaN(got[1]))
	}
}

func TestPairedSoftmaxRefuses(t *testing.T) {
	x := graphtest.Of(make([]float64, 6), 3, 2)
	_, _, err := graphtest.Eval(tensor.Float32, evalPaired, x, x, graphtest.Data([]float64{0, 1}, 2, 1))
	require.ErrorContains(t, err, "named by (2, 1)")
	for _, p := range []float64{3, 0.5, -2, math.NaN()} {
		_, _, err = graphtest.Eval(tensor.Float32, evalPaired, x, x, graphtest.Data([]float64{0, p, 1}, 3, 1))
		require.ErrorContains(t, err, "column")
	}
}
