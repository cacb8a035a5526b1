package push_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/embeddings"
	"medusa/index"
	"medusa/metrics"
	"medusa/push"
	"medusa/push/internal/pushtest"
)

// written is a file of embeddings.
func written(t *testing.T, name, model string, items []embeddings.Item, vectors ...float32) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	w, err := embeddings.Create(path, embeddings.Info{Dim: len(vectors) / len(items), Model: model}, embeddings.Options{})
	require.NoError(t, err)
	require.NoError(t, w.Add(items, vectors))
	require.NoError(t, w.Close())
	return path
}

func ids(t *testing.T, g *push.Gallery) (out []string) {
	t.Helper()
	require.NoError(t, g.Each(func(r *push.Record) error { out = append(out, r.ID); return nil }))
	return out
}

func TestGalleryOfAnIndex(t *testing.T) {
	items := pushtest.Items(5, 3)
	g := pushtest.Gallery(t, metrics.Cosine, pushtest.Model, items)
	assert.Equal(t, []string{"5", "8", "11", "14", "18446744073709551614"}, ids(t, g))
	assert.Equal(t, []any{3, metrics.Cosine, pushtest.Model, 5, "5"}, []any{g.Dim, g.Distance, g.Model, g.Len(), g.SomeID()})
	assert.True(t, g.Has("8"))
	assert.False(t, g.Has("9"))
	require.NoError(t, g.Each(func(r *push.Record) error {
		if r.ID == "8" {
			assert.Equal(t, push.Record{ID: "8", Vector: items[1].Vector, Label: items[1].Label, Path: items[1].Path, Meta: items[1].Meta}, *r)
			assert.Equal(t, `{"camera":"3","größe":"klein","quote":"\" \\ '"}`, r.MetaJSON())
		}
		return nil
	}))
}

// The checksum is another one whatever changes, and the same for the same.
func TestDigestOfAGallery(t *testing.T) {
	seen := map[string]string{}
	for name, change := range map[string]func(*index.Item){
		"nothing": func(*index.Item) {}, "ID": func(it *index.Item) { it.ID = 6 }, "label": func(it *index.Item) { it.Label = "x" }, "path": func(it *index.Item) { it.Path = "x" },
		"meta": func(it *index.Item) { it.Meta = map[string]string{"a": "b"} }, "vector": func(it *index.Item) { it.Vector = []float32{1, 2, 3} },
		"label into path": func(it *index.Item) { it.Label, it.Path = "", it.Label+it.Path },
	} {
		items := pushtest.Items(5, 3)
		change(&items[3])
		g := pushtest.Gallery(t, metrics.Euclidean, pushtest.Model, items)
		assert.Equal(t, g.Digest, pushtest.Gallery(t, metrics.Euclidean, pushtest.Model, items).Digest)
		assert.Empty(t, seen[g.Digest], name)
		seen[g.Digest] = name
	}
}

func TestGalleryOfEmbeddings(t *testing.T) {
	for name, c := range map[string]struct {
		items []embeddings.Item
		want  []string
		note  string
	}{
		"ids":     {[]embeddings.Item{{ID: "a", Path: "1.jpg"}, {ID: "b", Path: "2.jpg"}}, []string{"a", "b"}, ""},
		"paths":   {[]embeddings.Item{{ID: "a", Path: "1.jpg"}, {Path: "2.jpg"}}, []string{"1.jpg", "2.jpg"}, "IDs are the paths"},
		"numbers": {[]embeddings.Item{{ID: "a", Path: "1.jpg"}, {}}, []string{"0", "1"}, "IDs are the numbers of rows, from 0"},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := push.Open(written(t, "x.npy", "m0del", c.items, 1, 2, 3, 4), push.GalleryOptions{Distance: "dot"})
			require.NoError(t, err)
			assert.Equal(t, c.want, ids(t, g))
			assert.Equal(t, metrics.Dot, g.Distance)
			assert.Equal(t, "m0del", g.Model)
			if c.note != "" {
				assert.Equal(t, []string{c.note}, g.Notes)
			}
		})
	}
}

func TestGalleriesThatCannotBePushed(t *testing.T) {
	two := []embeddings.Item{{ID: "a"}, {ID: "b"}}
	text := filepath.Join(t.TempDir(), "notes.txt")
	require.NoError(t, os.WriteFile(text, []byte("hello"), 0o644))
	signs, err := index.New(index.Options{Dim: 4, Storage: index.Binary})
	require.NoError(t, err)
	x := pushtest.Saved(t, pushtest.Index(t, metrics.Cosine, pushtest.Model, pushtest.Items(5, 3)))
	var nan float32
	for name, c := range map[string]struct {
		path string
		o    push.GalleryOptions
		want string
	}{
		"no file":         {"gone.npy", push.GalleryOptions{}, "there is no file gone.npy"},
		"folder":          {t.TempDir(), push.GalleryOptions{}, "is a folder"},
		"something else":  {text, push.GalleryOptions{}, "neither an index of Medusa nor, by its ending, a file of embeddings"},
		"other model":     {x, push.GalleryOptions{Model: "ffffffff"}, "was made by model " + pushtest.Model + ", and Model is ffffffff"},
		"other distance":  {x, push.GalleryOptions{Distance: "dot"}, "compares by cosine"},
		"no distance":     {written(t, "x.npy", "", two, 1, 2), push.GalleryOptions{Distance: "l1"}, `Distance is "l1", want euclidean, cosine or dot`},
		"same ID":         {written(t, "x.npy", "", []embeddings.Item{{ID: "a"}, {ID: "a"}}, 1, 2), push.GalleryOptions{}, `two records have the ID "a"`},
		"not finite":      {written(t, "x.npy", "", two, 1, nan/nan), push.GalleryOptions{}, `the vector of ID "b" holds a number that is not finite`},
		"no text":         {written(t, "x.npy", "", []embeddings.Item{{ID: "a", Path: "a\x00"}}, 1), push.GalleryOptions{}, `the path of ID "a"`},
		"signs of floats": {pushtest.Saved(t, signs), push.GalleryOptions{}, "keeps only the signs of vectors"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := push.Open(c.path, c.o)
			require.ErrorContains(t, err, c.want)
		})
	}
	g, err := push.Open(written(t, "x.npy", "", two, 0, 2), push.GalleryOptions{Distance: "cosine", Model: "ffffffff"})
	require.NoError(t, err)
	assert.Equal(t, "ffffffff", g.Model, "a file that says no model has that which is given")
	assert.Contains(t, g.Notes, "1 of the vectors are zero and have no cosine: databases may not find them")
}

func TestBytesOfNumbers(t *testing.T) {
	x, err := index.New(index.Options{Dim: 2, Storage: index.Int8})
	require.NoError(t, err)
	require.NoError(t, x.Add(context.Background(), index.Item{ID: 1, Vector: []float32{1, 0.5}}))
	g, err := push.Open(pushtest.Saved(t, x), push.GalleryOptions{})
	require.NoError(t, err)
	assert.Contains(t, g.Notes[0], "keeps a byte of each number")
}
