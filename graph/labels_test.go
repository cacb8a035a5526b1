package graph_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

// Labels that their type cannot tell apart, or that are no whole numbers, are an error.
func TestLabelsAreWholeNumbers(t *testing.T) {
	pairs := func(in []graph.Expr) graph.Expr {
		pos, neg := graph.PairMasks(in[1])
		return graph.MeanOver(pos, in[0]).Add(graph.MeanOver(neg, in[0]))
	}
	x := graphtest.Of([]float64{1, 2, 3, 4}, 2, 2)
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0.5, -1.5, 1 << 24, -(1 << 24), 1e30} {
		_, _, err := graphtest.Eval(tensor.Float32, pairs, x, graphtest.Data([]float64{1, bad}, 2))
		require.ErrorContains(t, err, "at position 1, want a whole number between -16777216 and 16777216", "%v", bad)
	}
	for _, good := range []float64{0, -1, -5, 1<<24 - 1, 1 - 1<<24} {
		_, _, err := graphtest.Eval(tensor.Float32, pairs, x, graphtest.Data([]float64{1, good}, 2))
		require.NoError(t, err, "%v", good)
	}
	_, _, err := graphtest.Eval(tensor.Float64, pairs, x, graphtest.Data([]float64{1, 1 << 24}, 2))
	require.NoError(t, err)
	_, _, err = graphtest.Eval(tensor.Float64, pairs, x, graphtest.Data([]float64{1, 1 << 53}, 2))
	require.Error(t, err)
}

// NaN among a row's chosen entries is its maximum, its minimum and its nearest.
func TestReductionsOfRowsWithNone(t *testing.T) {
	nan := math.NaN()
	x := graphtest.Of([]float64{1, nan, 3, 4, 5, 6}, 2, 3)
	mask := graphtest.Data([]float64{1, 1, 1, 0, 0, 0}, 2, 3)
	for name, of := range map[string]func(mask, x graph.Expr) (graph.Expr, graph.Expr){
		"max": graph.RowMaxOf, "min": graph.RowMinOf, "log-sum-exp": graph.RowLogSumExpOf,
	} {
		some, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
			y, some := of(in[1], in[0])
			return some.Add(y.Scale(0).Clamp(0, 0).Mul(some.Not()))
		}, x, mask)
		require.NoError(t, err)
		require.Equal(t, 0.0, some[1], "%s of no entry", name)
	}
	nearest, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
		return graph.RowNearestK(in[1], in[0], 1)
	}, x, mask)
	require.NoError(t, err)
	require.Equal(t, []float64{0, 1, 0, 0, 0, 0}, nearest)
}
