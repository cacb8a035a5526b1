package optim

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/machine"
)

// fed is a graph over weights whose gradients a test gives: the loss is Σ g·w.
type fed struct {
	params  *graph.Params
	tensors []Tensor
	loss    *graph.Kept
	inputs  [][]float32
	vm      gorgonia.VM
	graph   *gorgonia.ExprGraph
}

// feed makes weights w0, w1, … of these numbers; the first has the shape, the others are vectors.
func feed(t testing.TB, shape []int, weights ...[]float64) *fed {
	t.Helper()
	f := &fed{params: graph.NewParams(1)}
	g := gorgonia.NewGraph()
	f.graph = g
	var cost graph.Expr
	for i, w := range weights {
		if i > 0 {
			shape = []int{len(w)}
		}
		init := func(_ *rand.Rand, _ tensor.Shape, dst []float64) { copy(dst, w) }
		x := f.params.Weight(g, fmt.Sprintf("w%d", i), tensor.Float32, init, shape...)
		buf := make([]float32, len(w))
		in := gorgonia.NewTensor(g, tensor.Float32, len(shape), gorgonia.WithName(fmt.Sprintf("g%d", i)), gorgonia.WithShape(shape...),
			gorgonia.WithValue(tensor.New(tensor.WithShape(shape...), tensor.WithBacking(buf))))
		f.inputs = append(f.inputs, buf)
		term := x.Mul(graph.Data(in)).Sum()
		if i > 0 {
			term = cost.Add(term)
		}
		cost = term
	}
	n, err := cost.Node()
	require.NoError(t, err)
	f.tensors, err = Gradients(n, f.params)
	require.NoError(t, err)
	f.loss, err = graph.Keep(n)
	require.NoError(t, err)
	f.vm, err = machine.New(g)
	require.NoError(t, err)
	t.Cleanup(func() { f.vm.Close() })
	return f
}

// give runs the graph with these gradients.
func (f *fed) give(t testing.TB, grads ...[]float64) {
	t.Helper()
	for i, g := range grads {
		copy(f.inputs[i], single(g))
	}
	f.vm.Reset()
	require.NoError(t, f.vm.RunAll())
	for i, g := range grads {
		require.Equal(t, fmt.Sprint(single(g)[0]), fmt.Sprint(f.tensors[i].Grad.Float32s()[0]))
	}
}
