package graph_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/graph"
	"medusa/internal/graphtest"
)

// Every order of the axes of odd shapes, by the places of the numbers.
func TestPermute(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 1))
	for _, c := range []struct{ shape, axes []int }{
		{[]int{5}, []int{0}}, {[]int{3, 4}, []int{1, 0}}, {[]int{1, 7}, []int{1, 0}},
		{[]int{2, 3, 4}, []int{2, 0, 1}}, {[]int{2, 3, 4}, []int{1, 2, 0}}, {[]int{2, 3, 4}, []int{0, 2, 1}}, {[]int{2, 3, 4}, []int{1, 0, 2}}, {[]int{2, 3, 4}, []int{2, 1, 0}},
		{[]int{2, 19, 5, 7}, []int{0, 2, 3, 1}}, {[]int{2, 5, 7, 19}, []int{0, 3, 1, 2}}, {[]int{2, 5, 3, 9}, []int{0, 2, 1, 3}},
		{[]int{1, 1, 3, 1}, []int{3, 2, 1, 0}}, {[]int{2, 3, 2, 3, 2, 3}, []int{5, 3, 1, 4, 2, 0}}, {[]int{1, 37, 1, 70}, []int{3, 2, 1, 0}},
	} {
		x := graphtest.Random(rng, c.shape...)
		permute := func(in []graph.Expr) graph.Expr { return in[0].Permute(c.axes...) }
		want := permuted(x.Values, c.shape, c.axes)
		graphtest.Values(t, want, permute, x)
		if len(want) < 100 {
			graphtest.Gradient(t, permute, x)
		}
	}
}

// permuted is the numbers of x in the order of the axes.
func permuted(x []float64, shape, axes []int) []float64 {
	out := make([]float64, len(x))
	index := make([]int, len(shape))
	for i := range x {
		rest := i
		for a := len(shape) - 1; a >= 0; a-- {
			index[a] = rest % shape[a]
			rest /= shape[a]
		}
		at := 0
		for _, a := range axes {
			at = at*shape[a] + index[a]
		}
		out[at] = x[i]
	}
	return out
}

func TestPermuteRefuses(t *testing.T) {
	g := newGraph()
	x := matrix(g, "x", 2, 3)
	for _, axes := range [][]int{{}, {0}, {0, 0}, {0, 2}, {-1, 0}, {1, 0, 2}} {
		require.ErrorContains(t, x.Permute(axes...).Err(), "graph: permute axes of shape (2, 3) to [", axes)
	}
	require.NoError(t, x.Permute(0, 1).Err())
	require.Equal(t, []int{3, 2}, []int(x.Permute(1, 0).Shape()))
}
