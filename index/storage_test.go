package index

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/metrics"
)

func stored(t *testing.T, o Options, items []Item) *Index {
	o.Dim = 32
	x, err := New(o)
	require.NoError(t, err)
	require.NoError(t, x.Add(ctx, items...))
	return x
}

// shelfOf is what All gives, by a map.
func shelfOf(t *testing.T, x *Index) shelf {
	s := shelf{}
	require.NoError(t, x.All(func(it Item) bool {
		s[it.ID] = it
		return true
	}))
	return s
}

// requireFinds holds a search to find what a loop over the items of the shelf finds.
func requireFinds(t *testing.T, want shelf, x *Index, o SearchOptions, note string) {
	t.Helper()
	queries := queriesOf(40)
	found, err := x.Search(ctx, queries, o)
	require.NoError(t, err)
	for i := range found.Len() {
		near := want.search(x.Options().Distance, queries[i*32:(i+1)*32], o.K, func(Item) bool { return true })
		require.Len(t, found.Of(i), len(near))
		for place, h := range found.Of(i) {
			require.InDelta(t, near[place].Distance, h.Distance, 1e-7, "%s: query %d, place %d", note, i, place) // sums are rounded
		}
	}
}

// What Int8 keeps is off by little, and searches find what is nearest by what is kept.
func TestInt8(t *testing.T) {
	items := clusteredItems(1, 1500, 32, 40)
	items[7].Vector = make([]float32, 32)
	items[8].Vector[0] = 1e30
	items[9].Vector = append([]float32{1e-44, -3e-45}, make([]float32, 30)...)
	for d := range metrics.Distance(3) {
		x := stored(t, Options{Distance: d, Storage: Int8}, items)
		kept := shelfOf(t, x)
		for _, it := range items {
			largest := 0.0
			for _, v := range it.Vector {
				largest = max(largest, math.Abs(float64(v)))
			}
			for i, v := range it.Vector {
				require.InDelta(t, v, kept[it.ID].Vector[i], largest/254*1.0001+2e-43, "ID %d", it.ID)
			}
		}
		delete(kept, 8) // whose products are beyond all others'
		require.NoError(t, x.Remove(8))
		requireFinds(t, kept, x, SearchOptions{K: 7}, d.String())
		path := filepath.Join(t.TempDir(), "i")
		require.NoError(t, x.Save(ctx, path))
		y, err := Open(path)
		require.NoError(t, err)
		require.Equal(t, x.Options(), y.Options())
		require.NoError(t, x.Compact(ctx))
		require.Equal(t, kept, shelfOf(t, x), "Compact changes no vector")
		require.Equal(t, kept, shelfOf(t, y), "a file changes no vector")
	}
}

// Vectors that are kept as they came make the last choice exact, as far as it goes.
func TestRerank(t *testing.T) {
	if testing.Short() {
		t.Skip("no goroutines but those of TestGraphIsSearchedWhileItChanges")
	}
	items := clusteredItems(1, 3000, 32, 40)
	want := shelf{}
	for _, it := range items {
		want[it.ID] = it
	}
	for d := range metrics.Distance(3) {
		x := stored(t, Options{Distance: d, Storage: Int8, KeepFloats: true}, items)
		require.Equal(t, want, shelfOf(t, x))
		requireFinds(t, want, x, SearchOptions{K: 7, Exact: true}, "exact")
		requireFinds(t, want, x, SearchOptions{K: 7, Rerank: 100}, "re-ranked among many")
		plain, err := x.Recall(ctx, queriesOf(100), SearchOptions{K: 10})
		require.NoError(t, err)
		ranked, err := x.Recall(ctx, queriesOf(100), SearchOptions{K: 10, Rerank: 20})
		require.NoError(t, err)
		t.Logf("%v: recall %.4f, re-ranked %.4f", d, plain, ranked)
		require.Greater(t, plain, 0.9)
		require.Less(t, plain, 1.0, "nothing is lost, and so nothing is tested")
		require.Greater(t, ranked, 0.999)
		path := filepath.Join(t.TempDir(), "i")
		require.NoError(t, x.Build(ctx, GraphOptions{Effort: 60}))
		requireRecall(t, x, 0.97, SearchOptions{K: 10, Rerank: 20}, "graph")
		require.NoError(t, x.Save(ctx, path))
		y, err := Open(path)
		require.NoError(t, err)
		require.Equal(t, want, shelfOf(t, y))
		requireRecall(t, y, 0.97, SearchOptions{K: 10, Rerank: 20}, "graph of a file")
	}
}

// Binary finds the items with the fewest bits that differ, and the nearest of them where vectors are kept.
func TestBinary(t *testing.T) {
	for _, dim := range []int{5, 64, 70, 128} {
		rng := rand.New(rand.NewPCG(uint64(dim), 1))
		x, err := New(Options{Dim: dim, Storage: Binary})
		require.NoError(t, err)
		for id := range uint64(900) {
			require.NoError(t, x.Add(ctx, randomItem(rng, id*3, dim)))
		}
		require.NoError(t, x.Remove(0, 30, 300))
		path := filepath.Join(t.TempDir(), "i")
		require.NoError(t, x.Save(ctx, path))
		y, err := Open(path)
		require.NoError(t, err)
		kept := shelfOf(t, x)
		require.Equal(t, kept, shelfOf(t, y))
		var queries []float32
		for range 20 {
			queries = append(queries, randomItem(rng, 0, dim).Vector...)
		}
		holds := func(it Item) bool { return it.Label == "a" }
		for _, x := range []*Index{x, y} {
			found, err := x.Search(ctx, queries, SearchOptions{K: 9, Filter: Filter{Labels: []string{"a"}}})
			require.NoError(t, err)
			for i := range found.Len() {
				query := append([]float32(nil), queries[i*dim:(i+1)*dim]...)
				for j, v := range query {
					query[j] = -1
					if v > 0 {
						query[j] = 1
					}
				}
				// Of vectors of +1 and −1 the squared distance is four times the number of bits that differ.
				for place, near := range kept.search(metrics.Euclidean, query, 9, holds) {
					require.Equal(t, near.ID, found.Of(i)[place].ID)
					require.InDelta(t, near.Distance*near.Distance/4, found.Of(i)[place].Distance, 1e-9)
				}
			}
		}
		require.ErrorContains(t, x.Build(ctx, GraphOptions{}), "no graph where Options.Storage is Binary")
	}
}

func TestBinaryRerank(t *testing.T) {
	items := clusteredItems(1, 2000, 32, 40)
	want := shelf{}
	for _, it := range items {
		want[it.ID] = it
	}
	x := stored(t, Options{Distance: metrics.Cosine, Storage: Binary, KeepFloats: true}, items)
	requireFinds(t, want, x, SearchOptions{K: 5, Exact: true}, "exact")
	requireFinds(t, want, x, SearchOptions{K: 5, Rerank: 2000}, "re-ranked among all")
	few, err := x.Recall(ctx, queriesOf(100), SearchOptions{K: 10, Rerank: 20})
	require.NoError(t, err)
	many, err := x.Recall(ctx, queriesOf(100), SearchOptions{K: 10, Rerank: 200})
	require.NoError(t, err)
	t.Logf("recall of 20 %.4f, of 200 %.4f", few, many)
	require.Greater(t, many, few)
	require.Greater(t, many, 0.95)
}

func TestStorageIsNamed(t *testing.T) {
	_, err := New(Options{Dim: 1, Storage: 9})
	require.ErrorContains(t, err, "Options.Storage is 9, want index.Float32")
	_, err = New(Options{Dim: 1, KeepFloats: true})
	require.ErrorContains(t, err, "Options.KeepFloats goes with an Options.Storage other than Float32")
	_, err = small(t).Search(ctx, nil, SearchOptions{Rerank: 5})
	require.ErrorContains(t, err, "SearchOptions.Rerank needs vectors as they came")
	for s := Float32; int(s) < len(storageNames); s++ {
		text, err := s.MarshalText()
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(s), string(text))
		var back Storage
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, s, back)
	}
	_, err = Storage(9).MarshalText()
	require.Error(t, err)
	require.ErrorContains(t, new(Storage).UnmarshalText([]byte("bf16")), `no storage "bf16"`)
}
