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

func TestTripletSumsDifferences(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	const n = 9
	for name, s := range map[string]graph.Triplets{
		"all":          {Margin: 0.4, Window: graph.EveryTriplet()},
		"semi-hard":    {Margin: 0.4, Window: graph.Window{Above: 0, AtMost: 0.4}},
		"bounded":      {Margin: 0.4, Window: graph.EveryTriplet(), Low: 0.1, High: 0.8},
		"swap":         {Margin: 0.4, Window: graph.EveryTriplet(), Swap: true},
		"smooth":       {Margin: 0.4, Window: graph.EveryTriplet(), Smooth: true},
		"swap, smooth": {Margin: 0.4, Window: graph.Window{Above: math.Inf(-1), AtMost: 0}, Swap: true, Smooth: true},
	} {
		t.Run(name, func(t *testing.T) {
			graphtest.Gradient(t, func(in []graph.Expr) graph.Expr {
				return s.Sums(in[0], in[1], in[2]).Sum
			}, graphtest.Random(rng, n, n), graphtest.Mask(rng, 0.4, n, n), graphtest.Mask(rng, 0.6, n, n))
		})
	}
}

// Two of three triplets in the window violate the margin, one term lies between the
// bounds.
func TestTripletCounts(t *testing.T) {
	d := []float64{0, 1, 1.5, 1.1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	pos := []float64{0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	neg := []float64{1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	s := graph.Triplets{Margin: 0.4, Window: graph.Window{Above: -2, AtMost: 1}, Low: 0.5, High: 2}
	for i, want := range []float64{1.4, 1, 3, 2} {
		got, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
			sums := s.Sums(in[0], in[1], in[2])
			return []graph.Expr{sums.Sum, sums.Count, sums.Chosen, sums.Active}[i]
		}, graphtest.Of(d, 4, 4), graphtest.Data(pos, 4, 4), graphtest.Data(neg, 4, 4))
		require.NoError(t, err)
		require.InDeltaSlice(t, []float64{want, 0, 0, 0}, got, 1e-12, "%d", i)
	}
}

func TestRowChoices(t *testing.T) {
	x := []float64{3, 1, 3, 1, 7, 8}
	mask := []float64{1, 1, 1, 0, 0, 0}
	for name, c := range map[string]struct {
		choose func(mask, x graph.Expr) graph.Expr
		want   []float64
	}{
		"farthest":      {graph.RowFarthest, []float64{1, 0, 0, 0, 0, 0}},
		"nearest":       {graph.RowNearest, []float64{0, 1, 0, 0, 0, 0}},
		"two nearest":   {func(m, x graph.Expr) graph.Expr { return graph.RowNearestK(m, x, 2) }, []float64{1, 1, 1, 0, 0, 0}},
		"three nearest": {func(m, x graph.Expr) graph.Expr { return graph.RowNearestK(m, x, 3) }, []float64{1, 1, 1, 0, 0, 0}},
		"one nearest":   {func(m, x graph.Expr) graph.Expr { return graph.RowNearestK(m, x, 1) }, []float64{0, 1, 0, 0, 0, 0}},
	} {
		got, _, err := graphtest.Eval(tensor.Float32, func(in []graph.Expr) graph.Expr { return c.choose(in[1], in[0]) },
			graphtest.Of(x, 2, 3), graphtest.Data(mask, 2, 3))
		require.NoError(t, err, name)
		require.Equal(t, c.want, got, name)
	}
}

func TestTripletsRefuse(t *testing.T) {
	square, long := graphtest.Of(make([]float64, 4), 2, 2), graphtest.Of(make([]float64, 6), 2, 3)
	for want, c := range map[string]struct {
		t     graph.Triplets
		d, of graphtest.Input
	}{
		"mask has shape":       {graph.Triplets{}, square, long},
		"from a reference set": {graph.Triplets{Swap: true}, long, long},
		"NaN":                  {graph.Triplets{Margin: math.NaN()}, square, square},
	} {
		_, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
			return c.t.Sums(in[0], in[1], in[1]).Sum
		}, c.d, c.of)
		require.ErrorContains(t, err, want)
	}
	_, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr { return graph.RowNearestK(in[0], in[0], 0) }, square)
	require.ErrorContains(t, err, "at least 1")
}
