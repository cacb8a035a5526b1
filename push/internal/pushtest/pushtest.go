package pushtest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/metrics"
	"medusa/push"
)

// Place is somewhere in a database where a gallery can be kept.
type Place struct {
	Options push.Options
	Connect func(push.Options) (push.Store, error)
	// Records are those that are kept, by their IDs, without what identifies them.
	Records func() map[string]push.Record
	// Find is the IDs that a search as Store.Search tells it finds, the nearest first.
	Find func(search string) []string
	// Unlike is how far what is kept of a number may be from it.
	Unlike func(float64) float64
	// FindsItself says that a search for an item leaves that out, if it is false.
	FindsItself bool
}

// Exactly is Place.Unlike of a database that keeps numbers as they are.
func Exactly(float64) float64 { return 0 }

// Run checks a store. place makes a new place each time.
func Run(t *testing.T, place func(t *testing.T) Place) {
	t.Run("twice", func(t *testing.T) { Twice(t, place(t)) })
	t.Run("changes", func(t *testing.T) { Changes(t, place(t)) })
	t.Run("stopped", func(t *testing.T) { Stopped(t, place(t)) })
	t.Run("other model", func(t *testing.T) { OtherModel(t, place(t)) })
	t.Run("other shape", func(t *testing.T) { OtherShape(t, place(t)) })
	for _, d := range []metrics.Distance{metrics.Euclidean, metrics.Cosine, metrics.Dot} {
		t.Run("search by "+d.String(), func(t *testing.T) { Search(t, place(t), d) })
	}
}

// rows is how many items galleries have: some batches, and a rest.
const rows, batch = 57, 10

func (p Place) push(t *testing.T, g *push.Gallery, more func(*push.Options)) (push.Outcome, push.Store) {
	t.Helper()
	out, s, err := p.try(t, context.Background(), g, more, push.Watch{})
	require.NoError(t, err)
	return out, s
}

// try pushes by a connection of its own.
func (p Place) try(t *testing.T, ctx context.Context, g *push.Gallery, more func(*push.Options), w push.Watch) (push.Outcome, push.Store, error) {
	t.Helper()
	o := p.Options
	o.Batch = batch
	if more != nil {
		more(&o)
	}
	s, err := p.Connect(o)
	require.NoError(t, err)
	out, err := push.Run(ctx, g, s, o, w)
	require.NoError(t, s.Close())
	return out, s, err
}

// holds says that exactly the gallery is kept.
func (p Place) holds(t *testing.T, g *push.Gallery) {
	t.Helper()
	kept := p.Records()
	assert.Len(t, kept, g.Len())
	require.NoError(t, g.Each(func(r *push.Record) error {
		k, ok := kept[r.ID]
		require.True(t, ok, "ID %s is kept", r.ID)
		assert.Equal(t, []string{r.Label, r.Path, r.MetaJSON()}, []string{k.Label, k.Path, k.MetaJSON()}, r.ID)
		require.Len(t, k.Vector, len(r.Vector))
		for i, v := range r.Vector {
			assert.LessOrEqual(t, math.Abs(float64(v-k.Vector[i])), p.Unlike(float64(v)), "ID %s, number %d: %v became %v", r.ID, i, v, k.Vector[i])
		}
		return nil
	}))
}

// Twice pushes a gallery twice: the second time nothing is to be done.
func Twice(t *testing.T, p Place) {
	g := Gallery(t, metrics.Euclidean, Model, Items(rows, 8))
	out, _ := p.push(t, g, nil)
	assert.Equal(t, push.Mark{Done: rows, New: rows}, out.Mark)
	p.holds(t, g)
	out, _ = p.push(t, g, nil)
	assert.Equal(t, push.Mark{Done: rows, Unchanged: rows}, out.Mark)
	assert.Zero(t, out.Resumed, "a push that ended is not gone on with")
	p.holds(t, g)
}

// Changes pushes a gallery, and then one that differs, with Options.Delete and without.
func Changes(t *testing.T, p Place) {
	items := Items(rows, 8)
	p.push(t, Gallery(t, metrics.Euclidean, Model, items), nil)
	items[3].Label = "another"
	items[4].Path = "elsewhere.jpg"
	items[5].Meta = map[string]string{"camera": "9"}
	items[1].Meta = nil
	items[6].Vector = slices.Clone(items[6].Vector)
	items[6].Vector[7] += 0.5
	fresh := items[9]
	fresh.ID = 4
	fewer := append(without(items, 20), fresh)
	g := Gallery(t, metrics.Euclidean, Model, fewer)
	out, _ := p.push(t, g, nil)
	assert.Equal(t, push.Mark{Done: rows, New: 1, Changed: 5, Unchanged: rows - 6}, out.Mark)
	assert.Len(t, p.Records(), rows+1, "what is gone is left without -delete")
	out, _ = p.push(t, g, func(o *push.Options) { o.Delete = true })
	assert.Equal(t, push.Outcome{Mark: push.Mark{Done: rows, Unchanged: rows}, Removed: 1}, push.Outcome{Mark: out.Mark, Removed: out.Removed})
	p.holds(t, g)
}

// Stopped stops a push after two batches, and pushes again.
func Stopped(t *testing.T, p Place) {
	g := Gallery(t, metrics.Euclidean, Model, Items(rows, 8))
	ctx, cancel := context.WithCancel(context.Background())
	out, _, err := p.try(t, ctx, g, nil, push.Watch{Progress: func(done, _ int) {
		if done == 2*batch {
			cancel()
		}
	}})
	require.ErrorIs(t, err, context.Canceled)
	assert.ErrorContains(t, err, fmt.Sprintf("%d of %d records", 2*batch, rows))
	assert.Equal(t, 2*batch, out.New)
	require.Len(t, p.Records(), 2*batch)
	out, _ = p.push(t, g, nil)
	assert.Equal(t, rows, out.New+out.Unchanged)
	assert.Equal(t, rows, out.Done)
	p.holds(t, g)
}

// OtherModel has a place refuse galleries of two other models.
func OtherModel(t *testing.T, p Place) {
	items := Items(rows, 8)
	g := Gallery(t, metrics.Euclidean, Model, items)
	p.push(t, g, nil)
	for _, model := range []string{"fedcba9876543210", ""} {
		_, _, err := p.try(t, context.Background(), Gallery(t, metrics.Euclidean, model, items), nil, push.Watch{})
		require.ErrorContains(t, err, push.ModelWords(model))
		assert.ErrorContains(t, err, push.ModelWords(Model))
	}
	p.holds(t, g)
}

// OtherShape has a place refuse vectors of another size.
func OtherShape(t *testing.T, p Place) {
	g := Gallery(t, metrics.Euclidean, Model, Items(rows, 8))
	p.push(t, g, nil)
	_, _, err := p.try(t, context.Background(), Gallery(t, metrics.Euclidean, Model, Items(rows, 9)), nil, push.Watch{})
	require.Error(t, err)
	assert.Regexp(t, `\b8\b`, err)
	assert.Regexp(t, `\b9\b`, err)
	p.holds(t, g)
}

// Search compares what the text that a person is told to type finds with what package index does, for several items.
func Search(t *testing.T, p Place, d metrics.Distance) {
	items := Items(rows, 8)
	_, s := p.push(t, Gallery(t, d, Model, items), nil)
	kept := p.Records()
	for i := range items { // of vectors as they are kept
		items[i].Vector = kept[fmt.Sprint(items[i].ID)].Vector
	}
	x := Index(t, d, Model, items)
	for _, i := range []int{0, 3, rows - 1} {
		k := 10
		id := fmt.Sprint(items[i].ID)
		if !p.FindsItself {
			k++
		}
		want := Nearest(t, x, items[i], k)
		if !p.FindsItself {
			want = slices.DeleteFunc(want, func(found string) bool { return found == id })[:10]
		}
		assert.Equal(t, want, p.Find(s.Search(id)), "nearest to %s", id)
	}
}
