package model_test

import (
	"context"
	"math"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/gpu/gputest"
	"medusa/model"
)

// A model on a GPU embeds as on the CPU, but for rounding, and always alike, for many goroutines too; it gives the
// device back.
func TestModelOnDevice(t *testing.T) {
	gputest.Prepare(t)
	onCPU := vectorModel(t)
	ctx, vectors := context.Background(), make([]float32, 9*6)
	for i := range vectors {
		vectors[i] = float32(math.Sin(float64(i)))
	}
	want, err := onCPU.EmbedVectors(ctx, vectors)
	require.NoError(t, err)
	path := writeModel(t, onCPU)
	m, err := model.Load(path, model.Options{Device: "cuda"})
	require.NoError(t, err)
	require.Equal(t, onCPU.Fingerprint(), m.Fingerprint())
	all, err := m.EmbedVectors(ctx, vectors)
	require.NoError(t, err)
	require.InDeltaSlice(t, want, all, 1e-5)
	var wg sync.WaitGroup
	for i := range 9 {
		wg.Go(func() {
			for range 4 { // the third is recorded
				x, err := m.EmbedVectors(ctx, vectors[6*i:6*i+6])
				assert.NoError(t, err)
				assert.Equal(t, all[3*i:3*i+3], x)
			}
		})
	}
	wg.Wait()
	require.NoError(t, m.Close())
	require.NoError(t, m.Close(), "twice")
	again, err := model.Load(path, model.Options{Device: "auto"})
	require.NoError(t, err)
	require.NoError(t, again.Close())
}
