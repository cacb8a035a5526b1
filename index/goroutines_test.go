package index

import (
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// While groups of items come, are replaced and go as wholes, every search and every file sees
// whole groups only. The vectors of a group are all the same, so that a search for as many as a
// group has finds them or none.
func TestReadersSeeOneMoment(t *testing.T) {
	const groups, size, dim = 12, 40, 8
	x, err := New(Options{Dim: dim})
	require.NoError(t, err)
	group := func(g, generation int) (items []Item) {
		for i := range size {
			it := Item{ID: uint64(g*size + i), Vector: make([]float32, dim), Label: string(rune('a' + generation))}
			it.Vector[g%dim] = float32(100 + g)
			items = append(items, it)
		}
		return items
	}
	look := func(r Results, query int) (label string) {
		hits := r.Of(query)
		if len(hits) == 0 || hits[0].Distance > 0 {
			return ""
		}
		label = r.Item(query, 0).Label
		for place, h := range hits {
			assert.Zero(t, h.Distance, "a group is there in part")
			assert.Equal(t, label, r.Item(query, place).Label, "a group is of two generations")
		}
		return label
	}
	var writing, reading sync.WaitGroup
	done := make(chan struct{})
	for w := range 2 {
		writing.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 1))
			for round := range 60 {
				g, generation := w*groups/2+rng.IntN(groups/2), round%20
				if _, err := x.Get(uint64(g * size)); err != nil {
					assert.NoError(t, x.Add(ctx, group(g, generation)...))
				} else if rng.IntN(2) == 0 {
					assert.NoError(t, x.Update(ctx, group(g, generation)...))
				} else {
					var ids []uint64
					for _, it := range group(g, 0) {
						ids = append(ids, it.ID)
					}
					assert.NoError(t, x.Remove(ids...))
				}
				if round%16 == 7 {
					assert.NoError(t, x.Compact(ctx))
				}
			}
		})
	}
	dir := t.TempDir()
	for r := range 3 {
		reading.Go(func() {
			for round := 0; ; round++ {
				select {
				case <-done:
					return
				default:
				}
				at := x
				if r == 0 && round%4 == 0 {
					path := filepath.Join(dir, "i")
					if !assert.NoError(t, x.Save(ctx, path)) {
						return
					}
					var err error
					if at, err = Open(path); !assert.NoError(t, err) {
						return
					}
				}
				var queries []float32
				for g := range groups {
					queries = append(queries, group(g, 0)[0].Vector...)
				}
				found, err := at.Search(ctx, queries, SearchOptions{K: size})
				if !assert.NoError(t, err) {
					return
				}
				for g := range groups {
					look(found, g)
				}
			}
		})
	}
	writing.Wait()
	close(done)
	reading.Wait()
}

// Searches at the same time find what one finds alone, for any number of threads.
func TestSearchesAtTheSameTime(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	x, err := New(Options{Dim: 16})
	require.NoError(t, err)
	var items []Item
	for id := range uint64(3000) {
		items = append(items, randomItem(rng, id, 16))
	}
	require.NoError(t, x.Add(ctx, items...))
	var queries []float32
	for range 100 {
		queries = append(queries, randomItem(rng, 0, 16).Vector...)
	}
	want, err := x.Search(ctx, queries, SearchOptions{K: 5})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got, err := x.Search(ctx, queries, SearchOptions{K: 5})
			assert.NoError(t, err)
			assert.Equal(t, want.hits, got.hits)
		})
	}
	wg.Wait()
}
