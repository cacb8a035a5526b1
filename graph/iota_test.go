package graph_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

func TestIota(t *testing.T) {
	for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
		got, _, err := graphtest.Eval(dt, func(in []graph.Expr) graph.Expr { return graph.Iota(in[0], 3) }, graphtest.Data([]float64{7}, 1))
		require.NoError(t, err)
		require.Equal(t, []float64{0, 1, 2}, got)
	}
	_, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr { return graph.Iota(in[0], 0) }, graphtest.Data([]float64{7}, 1))
	require.ErrorContains(t, err, "want at least 1")
}
