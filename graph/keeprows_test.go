package graph_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
	"medusa/machine"
)

// gathers is a loss of a table, by rows that two lists of indices name.
type gathers struct {
	table  []int // shape
	byRows bool  // whether nothing but rows is read of it
	of     func(table, a, b graph.Expr) graph.Expr
}

var gatherings = map[string]gathers{
	"one gather": {[]int{6, 4}, true, func(w, a, _ graph.Expr) graph.Expr { return graph.Gather(w, a).Square() }},
	"two gathers": {[]int{6, 4}, true, func(w, a, b graph.Expr) graph.Expr {
		return graph.Gather(w, a).Square().Sum().Add(graph.Gather(w, b).Exp().Sum())
	}},
	"three gathers": {[]int{6, 4}, true, func(w, a, b graph.Expr) graph.Expr {
		x := graph.Gather(w, a)
		return x.Square().Sum().Add(x.Exp().Sum()).Add(graph.Gather(w, b).Exp().Sum()).Add(graph.Gather(w, graph.Concat(0, b, a)).Square().Square().Sum())
	}},
	"gathers of another shape": {[]int{24}, true, func(w, a, b graph.Expr) graph.Expr {
		m := w.Reshape(6, 4)
		return graph.Gather(m, a).Square().Sum().Add(graph.Gather(w.Reshape(3, 8).Reshape(6, 4), b).Exp().Sum())
	}},
	"a column":            {[]int{6}, true, func(w, a, _ graph.Expr) graph.Expr { return graph.Gather(w.Reshape(6, 1), a).Square() }},
	"a gather and a sum":  {[]int{6, 4}, false, func(w, a, _ graph.Expr) graph.Expr { return graph.Gather(w, a).Square().Sum().Add(w.Square().Sum()) }},
	"gathers of a square": {[]int{6, 4}, false, func(w, a, _ graph.Expr) graph.Expr { return graph.Gather(w.Square(), a) }},
	"rows of two sizes": {[]int{24}, false, func(w, a, _ graph.Expr) graph.Expr {
		return graph.Gather(w.Reshape(6, 4), a).Square().Sum().Add(graph.Gather(w.Reshape(8, 3), a).Square().Sum())
	}},
	"no gather": {[]int{6, 4}, false, func(w, _, _ graph.Expr) graph.Expr { return w.Square() }},
}

// The rows that are kept of a gradient are those of the gradient as a whole, each once, in both types and on
// both machines; and where nothing but rows is read, the whole one is not made on ours.
func TestKeepRows(t *testing.T) {
	lists := [][]float64{{4, 0, 4, 2, 4, 0}, {5, 4, 5}} // rows named often, once and, 1 and 3, never
	for name, c := range gatherings {
		for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
			for _, plain := range []bool{false, true} {
				build := func(keep func(grad *gorgonia.Node)) (gorgonia.VM, *gorgonia.Node) {
					rng := rand.New(rand.NewPCG(2, 9))
					g := gorgonia.NewGraph()
					in := func(name string, shape []int, values []float64) graph.Expr {
						v, err := graph.Tensor(values, dt, shape...)
						require.NoError(t, err)
						return graph.Of(gorgonia.NewTensor(g, dt, len(shape), gorgonia.WithName(name), gorgonia.WithShape(shape...), gorgonia.WithValue(v)))
					}
					table := in("table", c.table, graphtest.Random(rng, c.table...).Values)
					cost, err := c.of(table, in("a", []int{6}, lists[0]).Detach(), in("b", []int{3}, lists[1]).Detach()).Sum().Node()
					require.NoError(t, err)
					w, err := table.Node()
					require.NoError(t, err)
					grads, err := gorgonia.Grad(cost, w)
					require.NoError(t, err)
					keep(grads[0])
					if plain {
						return gorgonia.NewTapeMachine(g), grads[0]
					}
					vm, err := machine.New(g)
					require.NoError(t, err)
					return vm, grads[0]
				}
				var whole *graph.Kept
				vm, _ := build(func(grad *gorgonia.Node) {
					var err error
					whole, err = graph.Keep(grad)
					require.NoError(t, err)
				})
				defer vm.Close()
				require.NoError(t, vm.RunAll())
				var rows *graph.KeptRows
				vm, grad := build(func(grad *gorgonia.Node) {
					var err error
					rows, err = graph.KeepRows(grad)
					require.NoError(t, err)
				})
				defer vm.Close()
				require.Equal(t, c.byRows, rows != nil, name)
				if rows == nil {
					continue
				}
				require.Equal(t, tensor.Shape(c.table).TotalSize(), rows.Size())
				for range 2 { // the second run finds what the first left
					require.NoError(t, vm.RunAll())
					vm.Reset()
					numbers := func(k *graph.Kept) []float64 {
						if dt == tensor.Float64 {
							return k.Float64s()
						}
						var out []float64
						for _, v := range k.Float32s() {
							out = append(out, float64(v))
						}
						return out
					}
					cols, got, seen := rows.Values().Shape()[1], make([]float64, rows.Size()), map[float64]bool{}
					for i, r := range numbers(rows.Indices()) {
						values := numbers(rows.Values())[i*cols : (i+1)*cols]
						if r < 0 {
							require.Equal(t, -1.0, r)
							require.Equal(t, make([]float64, cols), values)
							continue
						}
						require.False(t, seen[r], "row %v is named twice", r)
						seen[r] = true
						copy(got[int(r)*cols:], values)
					}
					tol := 1e-12 // sums of a few numbers in another order
					if dt == tensor.Float32 {
						tol = 1e-5
					}
					require.InDeltaSlice(t, numbers(whole), got, tol, name)
					require.False(t, seen[1] || seen[3])
				}
				if m, ours := vm.(interface{ Nodes() gorgonia.Nodes }); ours {
					for _, n := range m.Nodes() {
						require.False(t, n == grad || strings.Contains(n.Op().String(), "GatherGrad{"), "%s: the whole gradient is made: %v", name, n.Op())
					}
				}
			}
		}
	}
}

// A whole gradient that somebody else reads, too, is made.
func TestKeepRowsBesideTheWhole(t *testing.T) {
	g := gorgonia.NewGraph()
	params := graph.NewParams(1)
	w := params.Weight(g, "w", tensor.Float32, graph.Fill(2), 3, 2)
	indices := gorgonia.NewVector(g, tensor.Float32, gorgonia.WithName("i"), gorgonia.WithShape(2), gorgonia.WithValue(tensor.New(tensor.WithBacking([]float32{2, 2}))))
	cost, err := graph.Gather(w, graph.Data(indices)).Sum().Node()
	require.NoError(t, err)
	_, nodes := params.Learned(g)
	grads, err := gorgonia.Grad(cost, nodes...)
	require.NoError(t, err)
	rows, err := graph.KeepRows(grads[0])
	require.NoError(t, err)
	whole, err := graph.Keep(grads[0])
	require.NoError(t, err)
	vm, err := machine.New(g)
	require.NoError(t, err)
	defer vm.Close()
	require.NoError(t, vm.RunAll())
	require.Equal(t, []float32{2, -1}, rows.Indices().Float32s())
	require.Equal(t, []float32{2, 2, 0, 0}, rows.Values().Float32s())
	require.Equal(t, []float32{0, 0, 0, 0, 2, 2}, whole.Float32s())
}

func TestKeepRowsOfNothing(t *testing.T) {
	_, err := graph.KeepRows(nil)
	require.Error(t, err)
}
