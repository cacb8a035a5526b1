package graph_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/device"
	"medusa/internal/graphtest"
	"medusa/machine"
)

// walk is a symmetric matrix (n, n) of a matrix of any numbers, with eigenvalues within ±radius.
func walk(x graph.Expr, radius float64) graph.Expr {
	n := x.Shape()[0]
	return x.Add(x.T()).Tanh().Scale(radius / float64(n))
}

// The gradients are right, and I − x times the inverse is I, in both types; on a device that makes it of products, too.
func TestInverseOfOneLess(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	for _, radius := range []float64{0, 0.3, 0.9} {
		graphtest.Gradient(t, func(in []graph.Expr) graph.Expr {
			return graph.InverseOfOneLess(walk(in[0], radius), radius)
		}, graphtest.Random(rng, 5, 5))
	}
	for _, n := range []int{1, 6, 70} {
		graphtest.Values(t, make([]float64, n*n), func(in []graph.Expr) graph.Expr {
			x := walk(in[0], 0.95)
			one := graph.Identity(x, n)
			return one.Sub(x).MatMul(graph.InverseOfOneLess(x, 0.95)).Sub(one)
		}, graphtest.Random(rng, n, n))
	}
}

// The machine of the CPU makes none of the products that other devices make the inverse of.
func TestInverseOfOneLessIsWithoutProducts(t *testing.T) {
	const n = 12
	g := gorgonia.NewGraph()
	x := gorgonia.NewMatrix(g, tensor.Float32, gorgonia.WithName("x"), gorgonia.WithShape(n, n), gorgonia.WithInit(gorgonia.GlorotN(1)))
	cost, err := graph.InverseOfOneLess(walk(graph.Of(x), 0.8), 0.8).Square().Sum().Node()
	require.NoError(t, err)
	_, err = gorgonia.Grad(cost, x)
	require.NoError(t, err)
	steps, err := graph.Steps(g)
	require.NoError(t, err)
	products := func(steps []graph.Step) (n int) {
		for _, s := range steps {
			if _, ok := s.Spec.(device.MatMul); ok {
				n++
			}
		}
		return n
	}
	require.Greater(t, products(steps), 10)
	require.Equal(t, 2, products(graph.OnHost(steps)), "of the gradient")
	vm, err := machine.New(g)
	require.NoError(t, err)
	defer vm.Close()
	require.NoError(t, vm.RunAll())
}

func TestInverseOfOneLessRefuses(t *testing.T) {
	g := gorgonia.NewGraph()
	x := graph.Of(gorgonia.NewMatrix(g, tensor.Float64, gorgonia.WithName("x"), gorgonia.WithShape(3, 4)))
	require.ErrorContains(t, graph.InverseOfOneLess(x, 0.5).Err(), "want a matrix (N, N)")
	square := graph.Of(gorgonia.NewMatrix(g, tensor.Float64, gorgonia.WithName("y"), gorgonia.WithShape(3, 3)))
	for _, radius := range []float64{-0.1, 1, math.NaN()} {
		require.ErrorContains(t, graph.InverseOfOneLess(square, radius).Err(), "want at least 0 and below 1")
	}
}
