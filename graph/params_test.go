package graph_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
)

func gauss(rng *rand.Rand, _ tensor.Shape, dst []float64) {
	for i := range dst {
		dst[i] = rng.NormFloat64()
	}
}

// weighted builds x·w in a graph of its own, for x all ones.
func weighted(t *testing.T, p *graph.Params, rows int) (gorgonia.VM, *gorgonia.Value) {
	g := gorgonia.NewGraph()
	x := node(t, g, "x", tensor.Float64, constants(1, rows*3), rows, 3)
	w := p.Weight(g, "w", tensor.Float64, gauss, 3, 2)
	n, err := graph.Of(x).MatMul(w).Node()
	require.NoError(t, err)
	value := new(gorgonia.Value)
	gorgonia.Read(n, value)
	return gorgonia.NewTapeMachine(g), value
}

// Two graphs of different batch sizes see one another's weights, also those that are
// written between runs.
func TestParamsAreShared(t *testing.T) {
	p := graph.NewParams(1)
	vm1, y1 := weighted(t, p, 1)
	vm2, y2 := weighted(t, p, 4)
	defer vm1.Close()
	defer vm2.Close()
	w := p.Lookup("w").Value.Float64s()
	for step := range 3 {
		w[0] = float64(step)
		for vm, y := range map[gorgonia.VM]*gorgonia.Value{vm1: y1, vm2: y2} {
			require.NoError(t, vm.RunAll())
			got, err := graph.Numbers(*y)
			require.NoError(t, err)
			require.InDelta(t, float64(step)+w[2]+w[4], got[0], 1e-15)
			vm.Reset()
		}
	}
}

// Machines over graphs of one Params run at once (under -race: they only read it).
func TestParamsConcurrently(t *testing.T) {
	p := graph.NewParams(1)
	var vms []gorgonia.VM
	var ys []*gorgonia.Value
	for range 4 {
		vm, y := weighted(t, p, 64)
		vms, ys = append(vms, vm), append(ys, y)
	}
	errs := make([]error, len(vms))
	var wg sync.WaitGroup
	for i, vm := range vms {
		wg.Go(func() {
			defer vm.Close()
			for range 20 {
				if err := vm.RunAll(); err != nil {
					errs[i] = err
				}
				vm.Reset()
			}
		})
	}
	wg.Wait()
	first, err := graph.Numbers(*ys[0])
	require.NoError(t, err)
	for i, y := range ys {
		require.NoError(t, errs[i])
		got, err := graph.Numbers(*y)
		require.NoError(t, err)
		require.Equal(t, first, got)
	}
}

// A tensor's first values depend on seed and name, not on the order of use.
func TestParamsInit(t *testing.T) {
	fill := func(seed uint64, names ...string) map[string][]float64 {
		g, p := gorgonia.NewGraph(), graph.NewParams(seed)
		values := map[string][]float64{}
		for _, name := range names {
			require.NoError(t, p.Weight(g, name, tensor.Float64, gauss, 2, 2).Err())
			values[name] = p.Lookup(name).Value.Float64s()
		}
		return values
	}
	require.Equal(t, fill(7, "a", "b"), fill(7, "b", "a"))
	require.NotEqual(t, fill(7, "a"), fill(8, "a"))
	require.NotEqual(t, fill(7, "a")["a"], fill(7, "b")["b"])
}

func TestParamsErrors(t *testing.T) {
	g, p := gorgonia.NewGraph(), graph.NewParams(1)
	require.NoError(t, p.Weight(g, "w", tensor.Float64, gauss, 4, 5).Err())
	require.NoError(t, p.Buffer(g, "mean", tensor.Float64, graph.Fill(0), 3).Err())
	node(t, g, "taken", tensor.Float64, constants(0, 6), 2, 3)
	for _, c := range []struct {
		name string
		e    graph.Expr
		want string
	}{
		{"shape", p.Weight(g, "w", tensor.Float64, gauss, 3, 5), "graph: parameter w has shape (4, 5) of float64 (buffer: false), want (3, 5) of float64 (buffer: false)"},
		{"type", p.Weight(g, "w", tensor.Float32, gauss, 4, 5), "want (4, 5) of float32"},
		{"buffer", p.Weight(g, "mean", tensor.Float64, gauss, 3), "(buffer: true), want"},
		{"no name", p.Weight(g, "", tensor.Float64, gauss, 3), "needs a name"},
		{"no shape", p.Weight(g, "v", tensor.Float64, gauss), "at least one dimension"},
		{"empty", p.Weight(g, "v", tensor.Float64, gauss, 0), "side of 0"},
		{"integers", p.Weight(g, "v", tensor.Int, gauss, 2), "want float32 or float64"},
		{"no init", p.Weight(g, "v", tensor.Float64, nil, 2), "has no init"},
		{"no graph", p.Weight(nil, "v", tensor.Float64, gauss, 2), "the graph is nil"},
		{"taken", p.Weight(g, "taken", tensor.Float64, gauss, 2, 3), "another input of that name"},
	} {
		t.Run(c.name, func(t *testing.T) { require.ErrorContains(t, c.e.Err(), c.want) })
	}
}

func TestParamsLearned(t *testing.T) {
	g, other, p := gorgonia.NewGraph(), gorgonia.NewGraph(), graph.NewParams(1)
	w := p.Weight(g, "w", tensor.Float64, gauss, 2)
	require.NoError(t, p.Buffer(g, "mean", tensor.Float64, graph.Fill(0), 2).Err())
	require.NoError(t, p.Weight(other, "elsewhere", tensor.Float64, gauss, 2).Err())
	again, err := p.Weight(g, "w", tensor.Float64, nil, 2).Node()
	require.NoError(t, err)
	first, err := w.Node()
	require.NoError(t, err)
	require.Same(t, first, again)
	items, nodes := p.Learned(g)
	require.Len(t, items, 1)
	require.Equal(t, "w", items[0].Name)
	require.Same(t, first, nodes[0])
	require.Len(t, p.All(), 3)
	require.True(t, p.All()[1].Buffer)
	require.Nil(t, p.Lookup("none"))
	p.Forget(g)
	items, _ = p.Learned(g)
	require.Empty(t, items)
}

func ExampleParams() {
	p := graph.NewParams(42)
	train, eval := gorgonia.NewGraph(), gorgonia.NewGraph()
	a := p.Weight(train, "layer.weight", tensor.Float32, graph.Fill(0.5), 2, 3)
	b := p.Weight(eval, "layer.weight", tensor.Float32, graph.Fill(0.5), 2, 3)
	p.Lookup("layer.weight").Value.Float32s()[0] = 7 // a solver's step: both graphs see it
	for _, e := range []graph.Expr{a, b} {
		n, err := e.Node()
		fmt.Println(n.Value().Data(), err)
	}
	// Output:
	// [7 0.5 0.5 0.5 0.5 0.5] <nil>
	// [7 0.5 0.5 0.5 0.5 0.5] <nil>
}

// node makes a named input with values.
func node(t *testing.T, g *gorgonia.ExprGraph, name string, dt tensor.Dtype, values []float64, shape ...int) *gorgonia.Node {
	d, err := graph.Tensor(values, dt, shape...)
	require.NoError(t, err)
	return gorgonia.NewTensor(g, dt, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(name), gorgonia.WithValue(d))
}
