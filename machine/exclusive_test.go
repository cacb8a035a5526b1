package machine

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
)

// A machine that another goroutine runs says so, and the other one's run is not disturbed.
func TestMachinesAreOneGoroutines(t *testing.T) {
	const busy = "machine: the machine is used by another goroutine at this moment"
	g := gorgonia.NewGraph()
	x := make([]float32, 4)
	n := gorgonia.NewTensor(g, tensor.Float32, 2, gorgonia.WithShape(2, 2), gorgonia.WithName("x"),
		gorgonia.WithValue(tensor.New(tensor.WithShape(2, 2), tensor.WithBacking(x))))
	twice, err := graph.Of(n).Scale(2).Node()
	require.NoError(t, err)
	kept, err := graph.Keep(twice)
	require.NoError(t, err)
	vm, err := New(g)
	require.NoError(t, err)
	m := vm.(*Machine)
	copy(x, []float32{1, 2, 3, 4})
	require.NoError(t, m.use.Begin(theMachine))
	require.ErrorContains(t, vm.RunAll(), busy)
	require.ErrorContains(t, vm.Close(), busy)
	vm.Reset()
	require.Nil(t, kept.Float32s())
	m.use.End()
	require.NoError(t, vm.RunAll())
	require.Equal(t, []float32{2, 4, 6, 8}, kept.Float32s())
	vm.Reset()
	require.NoError(t, vm.RunAll())
	require.NoError(t, vm.Close())
	require.ErrorContains(t, vm.RunAll(), "the machine is closed")
	require.NoError(t, vm.Close())
}
