package graph_test

import (
	"math/rand/v2"
	"testing"

	"medusa/graph"
	"medusa/internal/graphtest"
)

func TestConcatAndSlice(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for axis := range 3 {
		shape := func(n int) []int {
			s := []int{2, 3, 4}
			s[axis] = n
			return s
		}
		parts := []graphtest.Input{
			graphtest.Random(rng, shape(1)...), graphtest.Random(rng, shape(5)...), graphtest.Random(rng, shape(2)...),
		}
		join := func(in []graph.Expr) graph.Expr { return graph.Concat(axis, in...) }
		graphtest.Gradient(t, join, parts...)
		from := 0
		for _, p := range parts {
			to := from + p.Shape[axis]
			back := func(in []graph.Expr) graph.Expr { return join(in).Slice(axis, from, to) }
			graphtest.Values(t, p.Values, back, parts...)
			graphtest.Gradient(t, back, parts...)
			from = to
		}
	}
	// (1 2 | 3) over (4 5 | 6), by hand.
	graphtest.Values(t, []float64{1, 2, 3, 4, 5, 6},
		func(in []graph.Expr) graph.Expr { return graph.Concat(1, in...) },
		graphtest.Of([]float64{1, 2, 4, 5}, 2, 2), graphtest.Of([]float64{3, 6}, 2, 1))
	// One input joined with itself gets both gradients.
	graphtest.Gradient(t, func(in []graph.Expr) graph.Expr { return graph.Concat(0, in[0], in[0]).Square() },
		graphtest.Random(rng, 2, 2))
}
