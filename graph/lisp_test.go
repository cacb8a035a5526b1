package graph_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
)

// Gorgonia's LispMachine gets an error, and no gradient of 0, also where its own ops stand
// before or behind ours.
func TestLispMachineIsRefused(t *testing.T) {
	for name, build := range map[string]func(x *gorgonia.Node) (*gorgonia.Node, error){
		"ours": func(x *gorgonia.Node) (*gorgonia.Node, error) { return graph.Of(x).Square().Sum().Node() },
		"ours behind Gorgonia's": func(x *gorgonia.Node) (*gorgonia.Node, error) {
			y, err := gorgonia.Tanh(x)
			if err != nil {
				return nil, err
			}
			return graph.Of(y).Square().Sum().Node()
		},
		"Gorgonia's behind ours": func(x *gorgonia.Node) (*gorgonia.Node, error) {
			y, err := graph.Of(x).Square().Node()
			if err != nil {
				return nil, err
			}
			return gorgonia.Sum(y)
		},
	} {
		g := gorgonia.NewGraph()
		x := gorgonia.NewVector(g, tensor.Float64, gorgonia.WithName("x"), gorgonia.WithShape(3),
			gorgonia.WithValue(tensor.New(tensor.WithShape(3), tensor.WithBacking([]float64{1, 2, 3}))))
		_, err := build(x)
		require.NoError(t, err)
		vm := gorgonia.NewLispMachine(g)
		require.ErrorContains(t, vm.RunAll(), "LispMachine cannot differentiate ops of package graph; differentiate with gorgonia.Grad", name)
		require.NoError(t, vm.Close())
	}
}
