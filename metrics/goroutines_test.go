package metrics

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Figures that many goroutines ask for at once are those that one gets alone.
func TestMetricsOfManyGoroutines(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	set := Set{Dim: 6, Embeddings: make([]float32, 6*200), Labels: make([]int, 200)}
	for i := range set.Embeddings {
		set.Embeddings[i] = float32(rng.NormFloat64())
	}
	for i := range set.Labels {
		set.Labels[i] = rng.IntN(12)
	}
	ctx := context.Background()
	measure := func() (Result, Neighbours, error) {
		r, err := Evaluate(ctx, set, nil, Options{Seed: 4})
		if err != nil {
			return r, Neighbours{}, err
		}
		n, err := Search(ctx, set, nil, SearchOptions{K: 5})
		return r, n, err
	}
	want, near, err := measure()
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			r, n, err := measure()
			assert.NoError(t, err)
			assert.Equal(t, want, r)
			assert.Equal(t, near, n)
		})
	}
	wg.Wait()
}
