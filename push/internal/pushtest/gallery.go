package pushtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/index"
	"medusa/metrics"
	"medusa/push"
)

// Model is the fingerprint that galleries of tests have.
const Model = "0123456789abcdef"

// Seed is that of the vectors.
const Seed = 20260529

// Items are n items of an index, with vectors of dim numbers, IDs that do not begin at 0, one of them above
// what a signed number holds, labels and paths with all that SQL, JSON and query languages take for theirs, and metadata.
func Items(n, dim int) []index.Item {
	rng := rand.New(rand.NewPCG(Seed, uint64(dim)))
	out := make([]index.Item, n)
	for i := range out {
		v := make([]float32, dim)
		for j := range v {
			v[j] = float32(rng.NormFloat64())
		}
		out[i] = index.Item{ID: uint64(i*3 + 5), Vector: v, Label: fmt.Sprintf("class %d", i%7), Path: fmt.Sprintf("photos/%d.jpg", i)}
	}
	out[n-1].ID = 1<<64 - 2
	out[0].Label, out[0].Path = `it's, "a" \ {label} | <b>$1 ñ 漢`, "a\tb\nc;--"
	out[1].Meta = map[string]string{"camera": "3", "quote": `" \ '`, "größe": "klein"}
	out[2].Label, out[2].Path = "", ""
	return out
}

// Index is an index of items.
func Index(t testing.TB, d metrics.Distance, model string, items []index.Item) *index.Index {
	t.Helper()
	x, err := index.New(index.Options{Dim: len(items[0].Vector), Distance: d, Model: model})
	require.NoError(t, err)
	require.NoError(t, x.Add(context.Background(), items...))
	return x
}

// Saved is the path of an index's file.
func Saved(t testing.TB, x *index.Index) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gallery.index")
	require.NoError(t, x.Save(context.Background(), path))
	return path
}

// Gallery is that of items.
func Gallery(t testing.TB, d metrics.Distance, model string, items []index.Item) *push.Gallery {
	t.Helper()
	g, err := push.Open(Saved(t, Index(t, d, model, items)), push.GalleryOptions{})
	require.NoError(t, err)
	return g
}

// Nearest are the IDs that package index finds for an item, the nearest first.
func Nearest(t testing.TB, x *index.Index, item index.Item, k int) (ids []string) {
	t.Helper()
	found, err := x.Search(context.Background(), item.Vector, index.SearchOptions{K: k})
	require.NoError(t, err)
	for _, hit := range found.Of(0) {
		ids = append(ids, fmt.Sprint(hit.ID))
	}
	return ids
}

// without is items but for one.
func without(items []index.Item, at int) []index.Item {
	return slices.Delete(slices.Clone(items), at, at+1)
}
