package index

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/cpu/loops"
	"medusa/metrics"
)

// What is found by rows in bytes is what was found before they were there; and they are used.
func TestRowsInBytesChangeNothing(t *testing.T) {
	ctx, rng := context.Background(), rand.New(rand.NewPCG(3, 5))
	const dim, n = 19, chunkRows + 700
	vector := func() []float32 {
		v := make([]float32, dim)
		for i := range v {
			v[i] = float32(rng.NormFloat64())
		}
		return v
	}
	for _, storage := range []Storage{Float32, Int8} {
		for _, distance := range []metrics.Distance{metrics.Euclidean, metrics.Cosine, metrics.Dot} {
			t.Run(fmt.Sprint(storage, distance), func(t *testing.T) {
				x, err := New(Options{Dim: dim, Distance: distance, Storage: storage})
				require.NoError(t, err)
				var items []Item
				for i := range n {
					items = append(items, Item{ID: uint64(i), Vector: vector(), Label: string(rune(97 + i%3))})
				}
				require.NoError(t, x.Add(ctx, items...))
				path := filepath.Join(t.TempDir(), "index")
				require.NoError(t, x.Save(ctx, path))
				for _, change := range []func() error{
					func() error { return nil },
					func() error { return x.Add(ctx, Item{ID: n, Vector: vector()}, Item{ID: n + 1, Vector: vector()}) },
					func() error { return x.Update(ctx, Item{ID: 7, Vector: vector()}) },
					func() error { return x.Remove(1, 2, 3) },
				} {
					require.NoError(t, change(), storage)
					require.NoError(t, x.Save(ctx, path))
					queries := append(vector(), vector()...)
					for _, o := range []SearchOptions{{K: 9}, {K: 5, Filter: Filter{Labels: []string{"b"}}}} {
						fresh, err := Open(path)
						require.NoError(t, err)
						want, err := fresh.Search(ctx, queries, o)
						require.NoError(t, err)
						for range 3 {
							got, err := x.Search(ctx, queries, o)
							require.NoError(t, err)
							for q := range 2 {
								require.Equal(t, places(want.Of(q)), places(got.Of(q)))
							}
						}
					}
					for _, c := range x.now.Load().chunks {
						require.Equal(t, loops.HasBytes(), c.packed.bytes != nil)
					}
				}
			})
		}
	}
}

// places is hits without the rows that they stand in, which differ where items were replaced.
func places(hits []Hit) []string {
	var out []string
	for _, h := range hits {
		out = append(out, fmt.Sprint(h.ID, h.Distance))
	}
	return out
}

func TestRowsInBytesByGoroutines(t *testing.T) {
	ctx := context.Background()
	x, err := New(Options{Dim: 4})
	require.NoError(t, err)
	for i := range 200 {
		require.NoError(t, x.Add(ctx, Item{ID: uint64(i), Vector: []float32{float32(i), 0, 1, 2}}))
	}
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 50 {
				at := (g*50 + i) % 200
				found, err := x.Search(ctx, []float32{float32(at), 0, 1, 2}, SearchOptions{K: 1})
				if err != nil || found.Of(0)[0].ID != uint64(at) {
					t.Errorf("%d: %v, %v", at, found, err)
				}
				if g == 0 {
					if err := x.Add(ctx, Item{ID: uint64(1000 + i), Vector: []float32{-1, float32(i), 0, 0}}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
}
