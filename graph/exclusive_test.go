package graph

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// doubled is a graph that doubles x, and what it kept of a run.
func doubled(t *testing.T) (*gorgonia.ExprGraph, []float32, *Kept) {
	g := gorgonia.NewGraph()
	x := make([]float32, 4)
	n := gorgonia.NewTensor(g, tensor.Float32, 2, gorgonia.WithShape(2, 2), gorgonia.WithName("x"),
		gorgonia.WithValue(tensor.New(tensor.WithShape(2, 2), tensor.WithBacking(x))))
	twice, err := Of(n).Scale(2).Node()
	require.NoError(t, err)
	kept, err := Keep(twice)
	require.NoError(t, err)
	return g, x, kept
}

// A machine that another goroutine runs says so, and the other one's run is not disturbed.
func TestMachinesAreOneGoroutines(t *testing.T) {
	const busy = "graph: the machine is used by another goroutine at this moment"
	for name, machine := range map[string]func(*gorgonia.ExprGraph) (gorgonia.VM, error){"with gradients": NewMachine, "forward": NewForward} {
		t.Run(name, func(t *testing.T) {
			g, x, kept := doubled(t)
			vm, err := machine(g)
			require.NoError(t, err)
			use := &vmUse{vm}
			copy(x, []float32{1, 2, 3, 4})
			use.begin(t)
			require.ErrorContains(t, vm.RunAll(), busy)
			vm.Reset()
			require.Nil(t, kept.Float32s())
			use.end()
			require.NoError(t, vm.RunAll())
			require.Equal(t, []float32{2, 4, 6, 8}, kept.Float32s())
			vm.Reset()
			require.NoError(t, vm.RunAll())
			require.NoError(t, vm.Close())
		})
	}
}

// vmUse takes a machine as a run of it does.
type vmUse struct{ vm gorgonia.VM }

func (u *vmUse) begin(t *testing.T) {
	switch m := u.vm.(type) {
	case *exclusiveVM:
		require.NoError(t, m.use.Begin(theMachine))
	case *forward:
		require.NoError(t, m.use.Begin(theMachine))
	default:
		t.Fatalf("a machine of type %T is guarded by nothing", m)
	}
}

func (u *vmUse) end() {
	switch m := u.vm.(type) {
	case *exclusiveVM:
		m.use.End()
	case *forward:
		m.use.End()
	}
}

// Goroutines that build graphs over one set of parameters get the same tensors, and their
// machines run side by side.
func TestParamsOfManyGoroutines(t *testing.T) {
	p, part := NewParams(3), NewParams(4)
	require.NoError(t, p.Join("part.", part))
	embed := func() []float32 {
		g := gorgonia.NewGraph()
		w := p.Weight(g, "w", tensor.Float32, Fill(0.5), 3, 3)
		b := part.Buffer(g, "b", tensor.Float32, Fill(2), 3, 3)
		n, err := w.Mul(b).Square().Node()
		if !assert.NoError(t, err) {
			return nil
		}
		kept, err := Keep(n)
		assert.NoError(t, err)
		vm, err := NewForward(g)
		assert.NoError(t, err)
		assert.NoError(t, vm.RunAll())
		items, _ := p.Learned(g)
		assert.Len(t, items, 1)
		assert.Len(t, p.All(), 2)
		assert.NotNil(t, p.Lookup("part.b"))
		p.Forget(g)
		return append([]float32(nil), kept.Float32s()...)
	}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 4 {
				assert.Equal(t, []float32{1, 1, 1, 1, 1, 1, 1, 1, 1}, embed())
			}
		})
	}
	wg.Wait()
	require.Empty(t, p.nodes)
	require.Empty(t, part.nodes)
}
