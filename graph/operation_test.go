package graph_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"

	"medusa/graph"
)

// What is asked for is told in the words in which it was asked for. (Networks made anew of what is told are in
// package nets, and those that other programs run in package model.)
func TestOperationsOfShapes(t *testing.T) {
	g := gorgonia.NewGraph()
	n, _ := graph.Input(g, "x", 2, 3, 4)
	x := graph.Data(n)
	ones := x.Constant(1, 4)
	for name, c := range map[string]struct {
		e      graph.Expr
		kind   string
		config any
		inputs int
	}{
		"layer norm":           {graph.LayerNorm(x, graph.Expr{}, ones, 1e-6), "LayerNorm", graph.LayerNormed{Eps: 1e-6, Beta: true}, 2},
		"softmax":              {x.Softmax(2), "Softmax", 2, 1},
		"softmax before ones":  {x.Reshape(2, 12, 1).Softmax(1), "Softmax", 1, 1},
		"log-softmax":          {x.Reshape(6, 4).LogSoftmax(1), "LogSoftmax", 1, 1},
		"product":              {x.Reshape(6, 4).MatMulT(x.Reshape(6, 4).Plus(1)), "MatMul", graph.Product{TransB: true}, 2},
		"products":             {x.BatchMatMulT(x.Plus(1)), "MatMul", graph.Product{TransB: true}, 2},
		"permuted":             {x.Permute(2, 0, 1), "Permute", []int{2, 0, 1}, 1},
		"transposed":           {x.Reshape(6, 4).T(), "Permute", []int{1, 0}, 1},
		"joined":               {graph.Concat(1, x, x.Plus(1)), "Concat", 1, 2},
		"joined alone":         {graph.Concat(1, x), "Concat", 0, 1},
		"a part":               {x.Slice(1, 1, 3), "Slice", graph.Span{Axis: 1, From: 1, To: 3}, 1},
		"a part of the last":   {x.Slice(2, 0, 1), "Slice", graph.Span{Axis: 2, From: 0, To: 1}, 1},
		"sum":                  {x.Sum(), "Sum", nil, 1},
		"sum along an axis":    {x.SumAxis(1), "Sum", nil, 1},
		"stretched":            {x.SumAxis(1).BroadcastTo([]int{2, 5, 4}), "Broadcast", nil, 1},
		"a constant":           {x.Constant(0.5, 2, 2), "Constant", 0.5, 1},
		"values":               {x.Values([]float64{1, 2}, 2), "Values", []float64{1, 2}, 1},
		"a convolution's ReLU": {graph.Conv2D(x.Reshape(2, 3, 2, 2), x.Constant(1, 1, 3, 1, 1), graph.Expr{}, graph.Conv{}).Relu(), "Relu", graph.Constants{}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := c.e.Node()
			require.NoError(t, err)
			op, ok := graph.OperationOf(n)
			require.True(t, ok)
			require.Equal(t, c.kind, op.Kind)
			require.Equal(t, c.config, op.Config)
			require.Len(t, op.In, c.inputs)
		})
	}
	n, err := graph.DistancesBetween(x.Reshape(6, 4), x.Reshape(6, 4).Plus(1)).Node()
	require.NoError(t, err)
	_, ok := graph.OperationOf(n)
	require.False(t, ok)
}
