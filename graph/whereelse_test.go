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

// What is not chosen does not count, infinite or not a number, in the gradients either; all
// three are stretched.
func TestWhereElse(t *testing.T) {
	choose := func(in []graph.Expr) graph.Expr { return graph.WhereElse(in[0], in[1], in[2]) }
	x := graphtest.Of([]float64{1, math.NaN(), 3, inf}, 2, 2)
	y := graphtest.Of([]float64{-inf, -2, math.NaN(), -4}, 2, 2)
	mask := graphtest.Data([]float64{1, 0, 1, 0}, 2, 2)
	graphtest.Values(t, []float64{1, -2, 3, -4}, choose, mask, x, y)
	_, grads, err := graphtest.Eval(tensor.Float64, choose, mask, x, y)
	require.NoError(t, err)
	w := graphtest.Weights(4)
	require.Equal(t, []float64{w[0], 0, w[2], 0}, grads[1])
	require.Equal(t, []float64{0, w[1], 0, w[3]}, grads[2])
	rng := rand.New(rand.NewPCG(33, 1))
	graphtest.Gradient(t, choose, graphtest.Mask(rng, .5, 3, 1, 4), graphtest.Random(rng, 3, 2, 4), graphtest.Random(rng, 1, 2, 1))
	graphtest.Gradient(t, func(in []graph.Expr) graph.Expr { return graph.WhereElse(in[0], in[1].Sum(), in[2]) },
		graphtest.Mask(rng, .5, 5), graphtest.Random(rng, 3), graphtest.Random(rng, 5))
}

func TestValues(t *testing.T) {
	numbers := []float64{1, math.Inf(-1), 0.1, -4}
	of := func(in []graph.Expr) graph.Expr { return in[0].Values(numbers, 2, 2) }
	graphtest.Values(t, numbers, of, graphtest.Of([]float64{5}, 1))
	rng := rand.New(rand.NewPCG(33, 2))
	graphtest.Gradient(t, func(in []graph.Expr) graph.Expr { return in[0].Mul(in[0].Values([]float64{1, 2, 3}, 1, 3)) }, graphtest.Random(rng, 2, 3))
	// The numbers are those of the call, whatever becomes of the slice.
	kept := func(in []graph.Expr) graph.Expr {
		own := []float64{1, 2}
		e := in[0].Values(own, 2)
		own[0] = 9
		return e
	}
	graphtest.Values(t, []float64{1, 2}, kept, graphtest.Of([]float64{5}, 1))
	g := newGraph()
	require.True(t, vector(g, "v", 2).Values(numbers, 4).IsData())
}
