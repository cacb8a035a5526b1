package machine_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/machine"
)

// Goroutines that build graphs over one set of parameters get the same tensors, and their
// machines run side by side.
func TestParamsOfManyGoroutines(t *testing.T) {
	p, part := graph.NewParams(3), graph.NewParams(4)
	require.NoError(t, p.Join("part.", part))
	embed := func() []float32 {
		g := gorgonia.NewGraph()
		w := p.Weight(g, "w", tensor.Float32, graph.Fill(0.5), 3, 3)
		b := part.Buffer(g, "b", tensor.Float32, graph.Fill(2), 3, 3)
		n, err := w.Mul(b).Square().Node()
		if !assert.NoError(t, err) {
			return nil
		}
		kept, err := graph.Keep(n)
		assert.NoError(t, err)
		vm, err := machine.New(g)
		assert.NoError(t, err)
		assert.NoError(t, vm.RunAll())
		items, _ := p.Learned(g)
		assert.Len(t, items, 1)
		assert.Len(t, p.All(), 2)
		assert.NotNil(t, p.Lookup("part.b"))
		p.Forget(g)
		items, _ = p.Learned(g)
		assert.Empty(t, items)
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
}
