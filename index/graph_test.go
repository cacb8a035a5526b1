package index

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/metrics"
)

// clusteredItems are around centres, as a trained network's embeddings are: what is all noise has no
// near neighbours, and says little of a search for them.
func clusteredItems(seed uint64, n, dim, clusters int) []Item {
	rng, centre := rand.New(rand.NewPCG(seed, 3)), rand.New(rand.NewPCG(9, 3))
	centres, spread := make([]float64, clusters*dim), make([]float64, 8*dim)
	for i := range centres {
		centres[i] = centre.NormFloat64()
	}
	for i := range spread {
		spread[i] = centre.NormFloat64() / 3
	}
	items := make([]Item, n)
	for i := range items {
		c, v, norm := rng.IntN(clusters), make([]float64, dim), 0.0
		copy(v, centres[c*dim:])
		for j := range 8 {
			z := rng.NormFloat64()
			for k := range v {
				v[k] += z * spread[j*dim+k]
			}
		}
		for k := range v {
			v[k] += 0.05 * rng.NormFloat64()
			norm += v[k] * v[k]
		}
		items[i] = Item{ID: uint64(i), Vector: make([]float32, dim), Label: string(rune('a' + c%26))}
		for k := range v {
			items[i].Vector[k] = float32(v[k] / math.Sqrt(norm))
		}
	}
	return items
}

func built(t testing.TB, d metrics.Distance, n int, o GraphOptions) *Index {
	x, err := New(Options{Dim: 32, Distance: d})
	require.NoError(t, err)
	require.NoError(t, x.Add(ctx, clusteredItems(1, n, 32, 40)...))
	require.NoError(t, x.Build(ctx, o))
	return x
}

func queriesOf(n int) (queries []float32) {
	for _, it := range clusteredItems(2, n, 32, 40) {
		queries = append(queries, it.Vector...)
	}
	return queries
}

func requireRecall(t *testing.T, x *Index, least float64, o SearchOptions, note string) {
	t.Helper()
	s := x.now.Load()
	_, left := s.hidden(&o.Filter)
	require.True(t, s.byGraph(&o, left), "%s: the graph is not taken", note)
	recall, err := x.Recall(ctx, queriesOf(200), o)
	require.NoError(t, err)
	t.Logf("%s: recall %.4f", note, recall)
	require.GreaterOrEqual(t, recall, least, note)
}

// What is near is found, for every distance, whatever happened to the items.
func TestGraphFindsNearlyAll(t *testing.T) {
	if testing.Short() {
		t.Skip("no goroutines but those of TestGraphIsSearchedWhileItChanges")
	}
	for d := range metrics.Distance(3) {
		x := built(t, d, 3000, GraphOptions{Effort: 60})
		requireRecall(t, x, 0.97, SearchOptions{K: 10}, "built")
		items := clusteredItems(3, 4500, 32, 40)
		require.NoError(t, x.Add(ctx, items[3000:]...))
		requireRecall(t, x, 0.97, SearchOptions{K: 10}, "added to")
		require.NoError(t, x.Update(ctx, items[:1000]...))
		requireRecall(t, x, 0.97, SearchOptions{K: 10}, "replaced in part")
		requireRecall(t, x, 0.97, SearchOptions{K: 10, Effort: 150, Filter: Filter{Where: func(it Item) bool { return it.ID%10 > 0 }}}, "filtered")
		var ids []uint64
		for id := range uint64(4500) {
			if id%2 == 0 {
				ids = append(ids, id)
			}
		}
		require.NoError(t, x.Remove(ids...))
		requireRecall(t, x, 0.97, SearchOptions{K: 10}, "half removed")
		path := filepath.Join(t.TempDir(), "i")
		require.NoError(t, x.Save(ctx, path))
		requireRecall(t, x, 0.96, SearchOptions{K: 10}, "mended")
		y, err := Open(path)
		require.NoError(t, err)
		requireRecall(t, y, 0.96, SearchOptions{K: 10}, "opened")
		require.NoError(t, x.Compact(ctx))
		requireRecall(t, x, 0.96, SearchOptions{K: 10}, "compacted")
		a, err := x.Search(ctx, queriesOf(100), SearchOptions{K: 5})
		require.NoError(t, err)
		b, err := y.Search(ctx, queriesOf(100), SearchOptions{K: 5})
		require.NoError(t, err)
		require.Equal(t, a.hits, b.hits, "a file has the graph that Compact makes")
		require.NoError(t, y.Add(ctx, items[0]), "what stands in a file is copied before it is changed")
		found, err := y.Search(ctx, items[0].Vector, SearchOptions{})
		require.NoError(t, err)
		require.EqualValues(t, 0, found.Of(0)[0].ID)
	}
}

// A filter that leaves few items is searched exactly; so is what was asked to be.
func TestNarrowFiltersAreExact(t *testing.T) {
	x := built(t, metrics.Euclidean, 2500, GraphOptions{Effort: 40, Links: 4})
	for _, o := range []SearchOptions{
		{K: 20, Filter: Filter{Labels: []string{"a"}}},
		{K: 20, Filter: Filter{Where: func(it Item) bool { return it.ID < 30 }}},
		{K: 20, Exact: true},
	} {
		_, left := x.now.Load().hidden(&o.Filter)
		require.False(t, x.now.Load().byGraph(&o, left))
		found, err := x.Search(ctx, queriesOf(50), o)
		require.NoError(t, err)
		o.Exact = true
		want, err := x.Search(ctx, queriesOf(50), o)
		require.NoError(t, err)
		require.Equal(t, want.hits, found.hits)
	}
}

// With one thread a seed makes one graph, and so one file; another seed makes another.
func TestOneThreadMakesOneGraph(t *testing.T) {
	file := func(o GraphOptions) []byte {
		path := filepath.Join(t.TempDir(), "i")
		require.NoError(t, built(t, metrics.Cosine, 1500, o).Save(ctx, path))
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		return data
	}
	o := GraphOptions{Effort: 30, Threads: 1, Seed: 4}
	first := file(o)
	require.True(t, bytes.Equal(first, file(o)))
	o.Seed = 5
	require.False(t, bytes.Equal(first, file(o)))
}

// Searches over the graph while items come and go find items of their moment, each once, the nearest
// first. Under -race this is the test that links are shared rightly.
func TestGraphIsSearchedWhileItChanges(t *testing.T) {
	items := clusteredItems(1, 3000, 32, 40)
	x := built(t, metrics.Euclidean, 2500, GraphOptions{Effort: 30, Links: 8})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 2500; i < 3000; i += 50 {
			assert.NoError(t, x.Add(ctx, items[i:i+50]...))
			assert.NoError(t, x.Remove(items[i-2500].ID, items[i-2499].ID))
			if i == 2700 {
				assert.NoError(t, x.Save(ctx, filepath.Join(t.TempDir(), "i")))
			}
			if i == 2800 {
				assert.NoError(t, x.Compact(ctx))
			}
		}
	}()
	queries := queriesOf(20)
	for going := true; going; {
		select {
		case <-done:
			going = false
		default:
		}
		found, err := x.Search(ctx, queries, SearchOptions{K: 10})
		require.NoError(t, err)
		for q := range found.Len() {
			seen := map[uint64]bool{}
			require.Len(t, found.Of(q), 10)
			for i, h := range found.Of(q) {
				require.False(t, seen[h.ID])
				seen[h.ID] = true
				require.Equal(t, items[h.ID].Vector, found.Item(q, i).Vector)
				require.False(t, found.s.isRemoved(h.row))
				if i > 0 {
					require.LessOrEqual(t, found.Of(q)[i-1].Distance, h.Distance)
				}
			}
		}
	}
	requireRecall(t, x, 0.9, SearchOptions{K: 10}, "changed")
}

// stopsLate is a context that ends when it has been asked a number of times.
type stopsLate struct {
	context.Context
	left atomic.Int32
}

func (c *stopsLate) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// An Add that is stopped leaves the items as they were, and rows that links lead to already are no
// other items' later.
func TestStoppedAddChangesNothing(t *testing.T) {
	items := clusteredItems(1, 2600, 32, 40)
	x := built(t, metrics.Euclidean, 2100, GraphOptions{Effort: 30, Links: 4, Threads: 1})
	want := shelfOf(t, x)
	for round := range 5 {
		stops := &stopsLate{Context: ctx}
		stops.left.Store(int32(20 + 30*round))
		require.ErrorIs(t, x.Add(stops, items[2100:2300]...), context.Canceled)
		stops.left.Store(30)
		require.ErrorIs(t, x.Update(stops, items[:100]...), context.Canceled)
		require.Equal(t, want, shelfOf(t, x))
		fresh := items[2300+50*round : 2350+50*round]
		require.NoError(t, x.Add(ctx, fresh...))
		for _, it := range fresh {
			want[it.ID] = it
		}
		requireRecall(t, x, 0.9, SearchOptions{K: 10}, "after a stop")
	}
	path := filepath.Join(t.TempDir(), "i")
	require.NoError(t, x.Save(ctx, path))
	y, err := Open(path)
	require.NoError(t, err)
	require.Equal(t, want, shelfOf(t, y))
	requireRecall(t, y, 0.9, SearchOptions{K: 10}, "opened")
}

func TestNearKeepsOrder(t *testing.T) {
	values := []float32{float32(math.Inf(-1)), -math.MaxFloat32, -1, -math.SmallestNonzeroFloat32, 0, math.SmallestNonzeroFloat32, 1, 2, float32(math.Inf(1))}
	for i, v := range values {
		n := nearOf(v, int32(i))
		require.Equal(t, v, n.value())
		require.EqualValues(t, i, n.row())
		if i > 0 {
			require.Less(t, nearOf(values[i-1], math.MaxInt32), n)
		}
	}
}

func TestGraphOptionsAreNamed(t *testing.T) {
	x := small(t)
	require.EqualError(t, x.Build(ctx, GraphOptions{Links: 1}), "index: GraphOptions.Links is 1, want from 2 to 512")
	require.ErrorContains(t, x.Build(ctx, GraphOptions{Effort: -1}), "GraphOptions.Effort is -1")
	require.ErrorContains(t, x.Build(ctx, GraphOptions{Threads: -1}), "GraphOptions.Threads is -1")
	_, err := x.Search(ctx, nil, SearchOptions{Effort: -1})
	require.ErrorContains(t, err, "SearchOptions.Effort is -1")
	_, err = x.Recall(ctx, nil, SearchOptions{})
	require.ErrorContains(t, err, "no queries")
	require.NoError(t, x.Build(ctx, GraphOptions{}), "of an index without items")
	_, ok := x.Graph()
	require.True(t, ok)
	require.NoError(t, x.Add(ctx, Item{ID: 1, Vector: []float32{1, 2}}))
	require.NoError(t, x.Save(ctx, filepath.Join(t.TempDir(), "i")))
}
