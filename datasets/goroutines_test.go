package datasets

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// One Dataset, in memory or in a cache file, is read by fifty goroutines at once.
func TestDatasetOfManyGoroutines(t *testing.T) {
	for name, cache := range map[string]int64{"in memory": 1 << 30, "in a file": 1} {
		t.Run(name, func(t *testing.T) {
			d := toy(t, 6, 5, Options{CacheBytes: cache, CacheDir: t.TempDir()})
			defer d.Close()
			c, h, w := d.Shape()
			norm := Normalisation{}
			whole := make([]float32, d.Len()*c*h*w)
			all := make([]int, d.Len())
			for i := range all {
				all[i] = i
			}
			require.NoError(t, d.Fill(whole, all, norm))
			var wg sync.WaitGroup
			for i := range 50 {
				wg.Go(func() {
					rng := rand.New(rand.NewPCG(uint64(i), 0))
					got := make([]float32, 3*c*h*w)
					for range 10 {
						at := rng.IntN(d.Len() - 2)
						assert.NoError(t, d.Fill(got, []int{at, at + 1, at + 2}, norm))
						assert.True(t, slices.Equal(whole[at*c*h*w:(at+3)*c*h*w], got))
						_, err := d.Image(at)
						assert.NoError(t, err)
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestLoaderIsOneGoroutines(t *testing.T) {
	d := toy(t, 3, 4, Options{})
	c := cycle{n: d.Len()}
	l, err := NewLoader(d, LoaderConfig{Batch: 4}, c.next, 0)
	require.NoError(t, err)
	defer l.Close()
	require.NoError(t, l.use.Begin(""))
	_, err = l.Next(context.Background())
	require.ErrorContains(t, err, "datasets: the loader is used by another goroutine at this moment")
	l.use.End()
	b, err := l.Next(context.Background())
	require.NoError(t, err)
	require.Zero(t, b.Step)

	// Of many, each gets a batch of its own or an error.
	var mu sync.Mutex
	seen := map[int]bool{0: true}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			b, err := l.Next(context.Background())
			if err != nil {
				return
			}
			mu.Lock()
			assert.False(t, seen[b.Step], "step %d twice", b.Step)
			seen[b.Step] = true
			mu.Unlock()
			b.Release()
		})
	}
	wg.Wait()
	for step := range len(seen) {
		require.True(t, seen[step], "step %d was lost", step)
	}
}
