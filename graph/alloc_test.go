package graph_test

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

// contrastive is a loss of the kind that a training step computes.
func contrastive(in []graph.Expr) graph.Expr {
	d := graph.Distances(graph.Normalize(in[0]))
	pos, neg := graph.PairMasks(in[1])
	hard := graph.RowMax(pos, d, 0).Sub(graph.RowLogSumExp(neg, d.Neg(), 0)).Softplus().Mean()
	return graph.MeanOver(pos, d.Square()).Add(graph.MeanOver(neg, d.Neg().Plus(1).Relu().Square())).Add(hard)
}

// After the first run a step allocates only what Gorgonia's machine itself allocates a
// run and an instruction, whatever the batch: nothing that grows with the tensors.
func TestStepAllocatesNoTensors(t *testing.T) {
	bytes := func(b int) float64 {
		rng := rand.New(rand.NewPCG(8, 1))
		labels := make([]float64, b)
		for i := range labels {
			labels[i] = float64(i / 4)
		}
		m, err := graphtest.New(tensor.Float32, contrastive, graphtest.Random(rng, b, 16), graphtest.Data(labels, b))
		require.NoError(t, err)
		defer m.Close()
		const steps = 50
		step := func() {
			if err := m.VM.RunAll(); err != nil {
				t.Fatal(err)
			}
			m.VM.Reset()
		}
		step()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range steps {
			step()
		}
		runtime.ReadMemStats(&after)
		t.Logf("batch %d: %d allocations, %d bytes a step", b, (after.Mallocs-before.Mallocs)/steps, (after.TotalAlloc-before.TotalAlloc)/steps)
		return float64(after.TotalAlloc-before.TotalAlloc) / steps
	}
	small, large := bytes(8), bytes(64)
	require.Less(t, large, small+64*16*4, "a step at batch 64 allocates as much as a tensor more than at batch 8")
}

// One machine gives the same numbers run after run: owned buffers are overwritten whole.
func TestRunsRepeat(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 2))
	x, labels := graphtest.Random(rng, 12, 5), graphtest.Data([]float64{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4}, 12)
	m, err := graphtest.New(tensor.Float64, contrastive, x, labels)
	require.NoError(t, err)
	defer m.Close()
	first, grads, err := m.Run()
	require.NoError(t, err)
	for range 3 {
		m.Set(0, 0, 99) // another batch in between
		_, _, err := m.Run()
		require.NoError(t, err)
		m.Set(0, 0, x.Values[0])
		again, g, err := m.Run()
		require.NoError(t, err)
		require.Equal(t, first, again)
		require.True(t, slices.Equal(grads[0], g[0]))
	}
	graphtest.Gradient(t, contrastive, x, labels)
}
