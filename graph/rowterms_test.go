package graph_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

// Terms that are squares of hinges, hinges with a number of the graph, and both, are made by RowTerms itself: no
// matrix is in memory before them, and values and gradients, to the number too, are those of the ops one by one.
func TestTermsAreHingesOfNumbers(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 32))
	in := []graphtest.Input{graphtest.Random(rng, 7, 3), graphtest.Data([]float64{1, 2, 1, 2, 2, 0, 1}, 7), graphtest.Of([]float64{1.3}, 1, 1)}
	inf := math.Inf(1)
	for name, c := range map[string]struct {
		terms     func(d, a graph.Expr) graph.Expr
		low, high float64
		apart     bool // it needs ops of its own
	}{
		"squares":                     {func(d, _ graph.Expr) graph.Expr { return d.Hinge(-1, 2).Square() }, 0, inf, false},
		"squares below a bound":       {func(d, _ graph.Expr) graph.Expr { return d.Hinge(-1, 2).Square() }, -inf, 3, true},
		"less than a number":          {func(d, a graph.Expr) graph.Expr { return a.Sub(d).Relu() }, -inf, inf, false},
		"more than a number":          {func(d, a graph.Expr) graph.Expr { return d.Scale(2).Sub(a).Hinge(3, -1) }, 0, inf, false},
		"numbers of a span":           {func(d, a graph.Expr) graph.Expr { return d.Neg().Add(a).Relu() }, 0.1, 0.6, false},
		"squares of less":             {func(d, a graph.Expr) graph.Expr { return a.Sub(d.Affine(0.5, 0.2)).Relu().Square() }, 0, inf, false},
		"squares of more":             {func(d, a graph.Expr) graph.Expr { return d.Sub(a.Scale(0.7)).Hinge(2, 0.1).Square() }, -inf, inf, false},
		"squares of a span":           {func(d, a graph.Expr) graph.Expr { return a.Sub(d).Relu().Square() }, 0.1, 0.6, true},
		"a number held fixed":         {func(d, a graph.Expr) graph.Expr { return a.Detach().Sub(d).Relu().Square() }, -inf, inf, false},
		"differences from each other": {func(d, a graph.Expr) graph.Expr { return a.Sub(d).Sub(d.Mul(d)).Relu().Square() }, -inf, inf, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, scalar := range []bool{false, true} {
				build := func(in []graph.Expr) graph.Expr {
					_, neg := graph.PairMasks(in[1])
					a := in[2]
					if scalar {
						a = a.Sum()
					}
					sum, count := graph.RowTerms(neg, c.terms(graph.Distances(in[0]), a), c.low, c.high)
					return sum.Mul(count.Detach().Plus(1)).Add(a.Reshape(1, 1))
				}
				require.Equal(t, c.apart, pointwise(t, build, in) == pointwise(t, unfused(build), in))
				sameAs(t, tensor.Float64, true, unfused(build), build, in)
				if !strings.Contains(name, "held fixed") {
					graphtest.Gradient(t, build, in...)
				}
			}
		})
	}
}

// pointwise is how many ops that go through numbers one by one a machine runs.
func pointwise(t *testing.T, build graphtest.Build, in []graphtest.Input) (count int) {
	kinds, _ := ranSpecs(t, build, in)
	for _, k := range kinds {
		if k == "Binary" || k == "Unary" {
			count++
		}
	}
	return count
}
