package machine_test

import (
	"runtime"
	"testing"
	"weak"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/machine"
)

// reader holds a machine and what is read of its graph, which so knows the reader.
type reader struct {
	read gorgonia.Value
	vm   gorgonia.VM
}

// A machine that nobody knows any more is collected with its graph, closed or not.
func TestMachinesAreCollected(t *testing.T) {
	pointer := func() weak.Pointer[reader] {
		g := gorgonia.NewGraph()
		x := gorgonia.NewVector(g, tensor.Float32, gorgonia.WithShape(2), gorgonia.WithName("x"),
			gorgonia.WithValue(tensor.New(tensor.WithBacking([]float32{1, 2}))))
		y, err := graph.Of(x).Square().Sum().Node()
		require.NoError(t, err)
		r := new(reader)
		gorgonia.Read(y, &r.read)
		r.vm, err = machine.New(g)
		require.NoError(t, err)
		require.NoError(t, r.vm.RunAll())
		require.EqualValues(t, 5, r.read.Data())
		return weak.Make(r)
	}()
	for range 3 { // finalizers take a round
		runtime.GC()
	}
	require.Nil(t, pointer.Value())
}
