package graph_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

func gather(in []graph.Expr) graph.Expr { return graph.Gather(in[0], in[1]) }

func TestGather(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	table := graphtest.Random(rng, 5, 3)
	indices := []float64{4, 0, 4, 2, 4, 0} // rows named often, once and never
	var want []float64
	for _, i := range indices {
		want = append(want, table.Values[int(i)*3:int(i)*3+3]...)
	}
	in := graphtest.Data(indices, len(indices))
	graphtest.Values(t, want, gather, table, in)
	graphtest.Gradient(t, gather, table, in)
}

// Labels are passed on, and one that is no class is told, whatever it is.
func TestLabels(t *testing.T) {
	of := func(in []graph.Expr) graph.Expr { return graph.Labels(in[0], 3) }
	v, _, err := graphtest.Eval(tensor.Float32, of, graphtest.Data([]float64{2, 0, 1, 2}, 4))
	require.NoError(t, err)
	require.Equal(t, []float64{2, 0, 1, 2}, v)
	for _, bad := range []float64{3, -1, 0.5, math.NaN(), math.Inf(1)} {
		_, _, err := graphtest.Eval(tensor.Float64, of, graphtest.Data([]float64{0, bad}, 2))
		require.ErrorContains(t, err, fmt.Sprintf("label %v at position 1, want a whole number from 0 to 2", bad))
	}
	for _, classes := range []int{0, -1, 1<<24 + 1} {
		_, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr { return graph.Labels(in[0], classes) }, graphtest.Data([]float64{0}, 1))
		require.ErrorContains(t, err, "classes, want 1 to 16777216")
	}
}

func TestLabelCounts(t *testing.T) {
	of := func(in []graph.Expr) graph.Expr { return graph.LabelCounts(in[0], 4) }
	graphtest.Values(t, []float64{2, 0, 1, 1}, of, graphtest.Data([]float64{2, 0, 3, 0}, 4))
	_, _, err := graphtest.Eval(tensor.Float64, of, graphtest.Data([]float64{0, 4}, 2))
	require.ErrorContains(t, err, "label 4 at position 1, want a whole number from 0 to 3")
	_, _, err = graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr { return graph.LabelCounts(in[0], 0) }, graphtest.Data([]float64{0}, 1))
	require.ErrorContains(t, err, "among 0 classes, want (N), and 1 to 16777216")
	_, _, err = graphtest.Eval(tensor.Float64, of, graphtest.Data([]float64{0, 4}, 2, 1))
	require.ErrorContains(t, err, "counts of labels of shape (2, 1)")
}

// A source that is begun anew draws what it drew first.
func TestRewound(t *testing.T) {
	g := gorgonia.NewGraph()
	r := graph.NewParams(1).Random(g, "source", tensor.Float64)
	first, second := r.Uniform(3), r.Uniform(3)
	again := r.Rewound()
	require.Equal(t, first, again.Uniform(3))
	require.Equal(t, second, again.Uniform(3))
	require.NotEqual(t, first, second)
	require.Nil(t, (*graph.Random)(nil).Rewound())
}
