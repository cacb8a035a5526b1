package index

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/metrics"
)

var ctx = context.Background()

// distance is that of two vectors, in float64, by the definition.
func distance(d metrics.Distance, a, b []float32) float64 {
	var dot, aa, bb, gaps float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		dot, aa, bb, gaps = dot+x*y, aa+x*x, bb+y*y, gaps+(x-y)*(x-y)
	}
	switch d {
	case metrics.Euclidean:
		return math.Sqrt(gaps)
	case metrics.Cosine:
		if aa == 0 || bb == 0 {
			return 1
		}
		return 1 - dot/math.Sqrt(aa*bb)
	}
	return -dot
}

// shelf is what an index should be: a map, and a loop over all of it.
type shelf map[uint64]Item

func (s shelf) search(d metrics.Distance, query []float32, k int, holds func(Item) bool) []Hit {
	var all []Hit
	for _, it := range s {
		if holds(it) {
			all = append(all, Hit{ID: it.ID, Distance: distance(d, query, it.Vector)})
		}
	}
	slices.SortFunc(all, func(a, b Hit) int {
		switch {
		case a.Distance != b.Distance:
			if a.Distance < b.Distance {
				return -1
			}
			return 1
		case a.ID < b.ID:
			return -1
		}
		return 1
	})
	return all[:min(k, len(all))]
}

// randomItem has numbers of few values, so that many items are at one distance, which sums
// in any order give to the last bit.
func randomItem(rng *rand.Rand, id uint64, dim int) Item {
	it := Item{ID: id, Vector: make([]float32, dim), Label: []string{"", "a", "bc", "ä"}[rng.IntN(4)], Path: fmt.Sprint("p", id)}
	for i := range it.Vector {
		it.Vector[i] = float32(rng.IntN(5) - 2)
	}
	if rng.IntN(2) == 0 {
		it.Meta = map[string]string{"camera": fmt.Sprint(rng.IntN(3))}
	}
	if rng.IntN(3) == 0 {
		it.Meta = map[string]string{"camera": "7", "": "empty"}
	}
	return it
}

// requireSame holds an index to be what the shelf says, by what can be asked of it.
func requireSame(t *testing.T, want shelf, x *Index, rng *rand.Rand, note string) {
	t.Helper()
	require.Equal(t, len(want), x.Len(), note)
	seen := shelf{}
	require.NoError(t, x.All(func(it Item) bool {
		seen[it.ID] = it
		return true
	}))
	require.Equal(t, want, seen, note)
	dim, d := x.Options().Dim, x.Options().Distance
	filters := map[string]struct {
		filter Filter
		holds  func(Item) bool
	}{
		"none":   {Filter{}, func(Item) bool { return true }},
		"labels": {Filter{Labels: []string{"a", "ä"}}, func(it Item) bool { return it.Label == "a" || it.Label == "ä" }},
		"nobody": {Filter{Labels: []string{"zebra"}}, func(it Item) bool { return false }},
		"empty":  {Filter{Labels: []string{""}}, func(it Item) bool { return it.Label == "" }},
		"meta":   {Filter{Meta: map[string]string{"camera": "7"}}, func(it Item) bool { return it.Meta["camera"] == "7" }},
		"where": {Filter{Meta: map[string]string{"camera": "1"}, Where: func(it Item) bool { return it.ID%3 == 0 && it.Path == fmt.Sprint("p", it.ID) }},
			func(it Item) bool { return it.Meta["camera"] == "1" && it.ID%3 == 0 }},
	}
	for _, q := range []int{1, 3, 40} {
		queries := make([]float32, q*dim)
		for i := range queries {
			queries[i] = float32(rng.IntN(5) - 2)
		}
		name := slices.Sorted(maps.Keys(filters))[rng.IntN(len(filters))]
		f := filters[name]
		k := 1 + rng.IntN(9)
		found, err := x.Search(ctx, queries, SearchOptions{K: k, Filter: f.filter})
		require.NoError(t, err)
		require.Equal(t, q, found.Len())
		for i := range q {
			near := want.search(d, queries[i*dim:(i+1)*dim], k, f.holds)
			require.Len(t, found.Of(i), len(near), "%s: filter %s", note, name)
			for place, hit := range found.Of(i) {
				if d == metrics.Cosine { // whose sums are rounded
					require.InDelta(t, near[place].Distance, hit.Distance, 1e-12)
				} else {
					require.Equal(t, near[place].ID, hit.ID, "%s: filter %s, query %d of %d, place %d", note, name, i, q, place)
					require.Equal(t, near[place].Distance, hit.Distance)
				}
				require.Equal(t, want[hit.ID], found.Item(i, place))
			}
		}
	}
}

// Items come and go at random, an index is saved and opened, and always finds what a loop over a
// map finds.
func TestIndexIsAMapWithSearch(t *testing.T) {
	seeds := uint64(9)
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 1))
		o := Options{Dim: 1 + rng.IntN(20), Distance: metrics.Distance(seed % 3), Model: "m"}
		x, err := New(o)
		require.NoError(t, err)
		want := shelf{}
		some := func() (ids []uint64) {
			for _, id := range slices.Sorted(maps.Keys(want)) {
				if rng.IntN(10) == 0 {
					ids = append(ids, id)
				}
			}
			return ids
		}
		for step := range 25 {
			note := fmt.Sprintf("seed %d, step %d", seed, step)
			switch rng.IntN(7) {
			case 0, 1, 2:
				var items []Item
				for range rng.IntN(2000) {
					if id := rng.Uint64N(20000); want[id].Vector == nil {
						it := randomItem(rng, id, o.Dim)
						want[id] = it
						items = append(items, it)
					}
				}
				require.NoError(t, x.Add(ctx, items...), note)
			case 3:
				ids := some()
				require.NoError(t, x.Remove(ids...))
				for _, id := range ids {
					delete(want, id)
				}
			case 4:
				var items []Item
				for _, id := range some() {
					want[id] = randomItem(rng, id, o.Dim)
					items = append(items, want[id])
				}
				require.NoError(t, x.Update(ctx, items...))
			case 5:
				require.NoError(t, x.Compact(ctx))
			case 6:
				path := filepath.Join(t.TempDir(), "i")
				require.NoError(t, x.Save(ctx, path))
				x, err = Open(path)
				require.NoError(t, err)
				require.Equal(t, o, x.Options())
			}
			if step%4 == 0 {
				requireSame(t, want, x, rng, note)
			}
		}
		for id := range uint64(20) {
			it, err := x.Get(id)
			if want[id].Vector == nil {
				missing := new(NotFoundError)
				require.ErrorAs(t, err, &missing)
				require.Equal(t, id, missing.ID)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, want[id], it)
		}
	}
}

func small(t *testing.T, items ...Item) *Index {
	x, err := New(Options{Dim: 2, Model: "abc"})
	require.NoError(t, err)
	require.NoError(t, x.Add(ctx, items...))
	return x
}

func TestChangesAreMadeWholeOrNotAtAll(t *testing.T) {
	x := small(t, Item{ID: 1, Vector: []float32{1, 1}}, Item{ID: 2, Vector: []float32{2, 2}})
	exists, missing := new(ExistsError), new(NotFoundError)
	require.ErrorAs(t, x.Add(ctx, Item{ID: 3, Vector: []float32{1, 1}}, Item{ID: 2, Vector: []float32{1, 1}}), &exists)
	require.EqualValues(t, 2, exists.ID)
	require.ErrorAs(t, x.Update(ctx, Item{ID: 1, Vector: []float32{5, 5}}, Item{ID: 4, Vector: []float32{1, 1}}), &missing)
	require.EqualValues(t, 4, missing.ID)
	require.ErrorAs(t, x.Remove(1, 9), &missing)
	require.ErrorAs(t, x.Remove(1, 1), &missing)
	require.ErrorContains(t, x.Add(ctx, Item{ID: 5, Vector: []float32{1, 1}}, Item{ID: 5, Vector: []float32{1, 1}}), "items 0 and 1 have the same ID, 5")
	require.Equal(t, 2, x.Len())
	it, err := x.Get(1)
	require.NoError(t, err)
	require.Equal(t, []float32{1, 1}, it.Vector)
	require.NoError(t, x.Remove(1), "an ID that was given up can be used again")
	require.NoError(t, x.Add(ctx, Item{ID: 1, Vector: []float32{3, 3}}))
	require.NoError(t, x.Add(ctx))
	require.NoError(t, x.Remove())
}

func TestBadInputIsNamed(t *testing.T) {
	_, err := New(Options{})
	require.EqualError(t, err, "index: Options.Dim is 0, want from 1 to 1048576")
	_, err = New(Options{Dim: 3, Distance: 7})
	require.ErrorContains(t, err, "Options.Distance is 7")
	x := small(t)
	require.EqualError(t, x.Add(ctx, Item{ID: 7, Vector: []float32{1}}), "index: item 0, ID 7: Vector has 1 numbers, want 2")
	require.ErrorContains(t, x.Add(ctx, Item{Vector: []float32{1, float32(math.NaN())}}), "Vector holds a number that is not finite")
	require.ErrorContains(t, x.Add(ctx, Item{Vector: []float32{1, 2}, Path: string(make([]byte, 1<<17))}), "Path has 131072 bytes")
	require.ErrorContains(t, x.Add(ctx, Item{Vector: []float32{1, 2}, Meta: map[string]string{"a": string(make([]byte, 1<<17))}}), "Meta has 131073 bytes")
	_, err = x.Search(ctx, []float32{1}, SearchOptions{})
	require.ErrorContains(t, err, "1 numbers are no whole queries of 2")
	_, err = x.Search(ctx, []float32{1, float32(math.Inf(1))}, SearchOptions{})
	require.ErrorContains(t, err, "query 0 holds a number that is not finite")
	_, err = x.Search(ctx, nil, SearchOptions{K: -1})
	require.ErrorContains(t, err, "SearchOptions.K is -1")
	//lint:ignore SA1012 what is tested
	_, err = x.Search(nil, nil, SearchOptions{})
	require.ErrorContains(t, err, "context is nil")
	require.ErrorContains(t, x.Save(ctx, ""), "the path is empty")
	gone, cancel := context.WithCancel(ctx)
	cancel()
	require.NoError(t, x.Add(ctx, Item{Vector: []float32{1, 2}}))
	_, err = x.Search(gone, []float32{1, 2}, SearchOptions{})
	require.ErrorIs(t, err, context.Canceled)
}

func TestNothingIsFoundInNothing(t *testing.T) {
	x := small(t)
	found, err := x.Search(ctx, []float32{1, 2, 3, 4}, SearchOptions{K: 5})
	require.NoError(t, err)
	require.Equal(t, 2, found.Len())
	require.Empty(t, found.Of(1))
	found, err = x.Search(ctx, nil, SearchOptions{})
	require.NoError(t, err)
	require.Zero(t, found.Len())
}

func TestCheckModel(t *testing.T) {
	x := small(t)
	require.NoError(t, x.CheckModel("abc"))
	other := new(ModelError)
	require.ErrorAs(t, x.CheckModel("def"), &other)
	require.Equal(t, ModelError{Index: "abc", Model: "def"}, *other)
	require.ErrorContains(t, other, "made by model abc, not by def")
}

func TestLabels(t *testing.T) {
	x := small(t, Item{ID: 1, Vector: []float32{1, 1}, Label: "a"}, Item{ID: 2, Vector: []float32{2, 2}}, Item{ID: 3, Vector: []float32{2, 2}, Label: "a"}, Item{ID: 4, Vector: []float32{2, 2}, Label: "b"})
	require.NoError(t, x.Remove(4))
	n, err := x.Labels()
	require.NoError(t, err)
	require.Equal(t, map[string]int{"a": 2, "": 1}, n)
}
