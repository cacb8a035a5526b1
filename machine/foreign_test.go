package machine_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/gpu/gputest"
	"medusa/machine"
)

// mixed is a graph of our ops and Gorgonia's in turns, with views, new shapes and scalars between
// them, and what is kept and read of it.
type mixed struct {
	x      []float32
	kept   []*graph.Kept
	values []*gorgonia.Value
	vm     gorgonia.VM
}

func newMixed(t *testing.T, run func(*gorgonia.ExprGraph) (gorgonia.VM, error)) *mixed {
	t.Helper()
	must := gorgonia.Must
	m := &mixed{x: make([]float32, 12)}
	g := gorgonia.NewGraph()
	x := input(g, "x", m.x, 3, 4)
	node := func(e graph.Expr) *gorgonia.Node {
		n, err := e.Node()
		require.NoError(t, err)
		return n
	}
	scaled := node(graph.Of(x).Scale(2))
	slice := must(gorgonia.Slice(scaled, nil, gorgonia.S(1, 3)))         // a view
	turned := must(gorgonia.Transpose(scaled, 1, 0))                     // another
	flat := must(gorgonia.Reshape(scaled, tensor.Shape{12}))             // a new shape of ours
	exp := must(gorgonia.Exp(flat))                                      // Gorgonia's of Gorgonia's
	ours := node(graph.Of(turned).Reshape(3, 4).Mul(graph.Of(x)).Tanh()) // ours of Gorgonia's
	sum := must(gorgonia.Sum(must(gorgonia.Square(ours))))               // a scalar of Gorgonia's
	total := node(graph.Of(sum).Mul(graph.Of(slice).Square().Sum()))     // scalars of both
	both := must(gorgonia.Add(total, must(gorgonia.Mean(exp))))          // a sum of scalars
	grads, err := gorgonia.Grad(both, x)
	require.NoError(t, err)
	for _, n := range []*gorgonia.Node{ours, total, both, grads[0], slice, flat, x} {
		k, err := graph.Keep(n)
		require.NoError(t, err)
		v := new(gorgonia.Value)
		gorgonia.Read(n, v)
		m.kept, m.values = append(m.kept, k), append(m.values, v)
	}
	m.vm, err = run(g)
	require.NoError(t, err)
	t.Cleanup(func() { m.vm.Close() })
	return m
}

// run is what is kept and then what is read, for inputs that depend on the step.
func (m *mixed) run(t *testing.T, step int) (out [][]float32) {
	t.Helper()
	for i := range m.x {
		m.x[i] = float32((i*7+step*5)%11)/11 - 0.4
	}
	require.NoError(t, m.vm.RunAll())
	m.vm.Reset()
	for i, k := range m.kept {
		out = append(out, slices.Clone(k.Float32s()))
		numbers, err := graph.Numbers(*m.values[i])
		require.NoError(t, err)
		for j, v := range numbers {
			require.Equal(t, float64(out[i][j]), v, "what is read is what is kept: value %d", i)
		}
	}
	return out
}

// Ops of Gorgonia's run as they are between ours, with the bits of Gorgonia's own machine.
func TestForeignOps(t *testing.T) {
	plain := newMixed(t, func(g *gorgonia.ExprGraph) (gorgonia.VM, error) { return gorgonia.NewTapeMachine(g), nil })
	ours := newMixed(t, machine.New)
	for step := range 4 {
		require.Equal(t, plain.run(t, step), ours.run(t, step), "step %d", step)
	}
}

// On a device they run between copies, and the log says so once.
func TestForeignOpsOnDevice(t *testing.T) {
	gputest.Prepare(t)
	var told []string
	d := sim(t, func(message string) { told = append(told, message) })
	host := newMixed(t, machine.New)
	there := newMixed(t, func(g *gorgonia.ExprGraph) (gorgonia.VM, error) { return machine.On(g, d) })
	for step := range 4 {
		want, got := host.run(t, step), there.run(t, step)
		for i := range want {
			require.InDeltaSlice(t, want[i], got[i], 1e-4, "step %d, value %d", step, i)
		}
	}
	require.False(t, machine.Recorded(there.vm))
	require.Contains(t, strings.Join(told, "\n"), "on the host, as an op of Gorgonia's: ")
	slices.Sort(told)
	require.Equal(t, slices.Compact(slices.Clone(told)), told, "each once")
}

// The sums that Gorgonia makes of gradients are steps of our own kernel, whatever their shape.
func TestSumsOfGradientsAreOurs(t *testing.T) {
	for _, shape := range [][]int{{3, 4}, {5}, {2, 3, 2}} {
		g := gorgonia.NewGraph()
		n := 1
		for _, s := range shape {
			n *= s
		}
		x := input(g, "x", random(n), shape...)
		y := graph.Of(x).Tanh()
		c := y.Square().Sum().Add(y.Sum().Square()).Add(y.Mul(graph.Of(x)).Mean())
		cost, err := c.Mul(c).Node() // whose scalar has several gradients, too
		require.NoError(t, err)
		grads, err := gorgonia.Grad(cost, x)
		require.NoError(t, err)
		_, err = graph.Keep(grads[0])
		require.NoError(t, err)
		vm, err := machine.New(g)
		require.NoError(t, err)
		sums := 0
		for _, s := range machine.StepsOf(vm) {
			require.NotEqual(t, "+ false", s)
			if strings.HasPrefix(s, "Binary +") {
				sums++
			}
		}
		require.GreaterOrEqual(t, sums, 4)
		require.NoError(t, vm.RunAll())
		require.NoError(t, vm.Close())
	}
}

// An op that says nothing outside of Gorgonia's machine is named, with the way out.
func TestStatementsAreRefused(t *testing.T) {
	g := gorgonia.NewGraph()
	x, y := input(g, "x", random(4), 4), input(g, "y", random(4), 4)
	gorgonia.Set(x, y)
	vm, err := machine.New(g)
	require.NoError(t, err)
	require.ErrorContains(t, vm.RunAll(), "gorgonia.NewTapeMachine")
}
