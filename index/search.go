package index

import (
	"context"
	"runtime"

	"github.com/pkg/errors"

	"medusa/internal/cpu/loops"
	"medusa/internal/field"
	"medusa/internal/nearest"
	"medusa/internal/needs"
	"medusa/metrics"
)

// SearchOptions says what is searched for. The zero value is the nearest item.
type SearchOptions struct {
	K      int    // items for each query; 1 if zero
	Filter Filter // which items may be found
	// Exact makes a search compare the queries with all items, though there is a graph.
	Exact bool
	// Effort is how many items a search over the graph keeps in view, 64 if zero, and at least K: with
	// more of them more of the nearest items are found, and it takes longer.
	Effort int
}

// Hit is an item that was found.
type Hit struct {
	ID       uint64
	Distance float64 // as metrics.Distance says: smaller is nearer

	row int32
}

// Results is what a search found.
type Results struct {
	hits [][]Hit
	s    *snapshot
}

// Len is the number of queries.
func (r Results) Len() int { return len(r.hits) }

// Of is what was found for query i, nearest first, items at one distance by the lower ID. It
// is shorter than K where fewer items may be found.
func (r Results) Of(i int) []Hit { return r.hits[i] }

// Item is a copy of the place-th item found for query i, as it was when it was searched for.
func (r Results) Item(i, place int) Item {
	defer runtime.KeepAlive(r.s)
	return r.s.item(r.hits[i][place].row)
}

// Search finds the nearest items of each query: queries is their vectors, one behind the other. Without
// a graph, with Exact, and where a filter leaves few items, it is exact.
func (x *Index) Search(ctx context.Context, queries []float32, o SearchOptions) (Results, error) {
	if err := needs.Context("index", ctx); err != nil {
		return Results{}, err
	}
	if o.K == 0 {
		o.K = 1
	}
	if o.K < 0 {
		return Results{}, field.Errorf("index", "SearchOptions", "%s is %d, want 1 or more", field.Name("K"), o.K)
	}
	if o.Effort < 0 {
		return Results{}, field.Errorf("index", "SearchOptions", "%s is %d, want 1 or more", field.Name("Effort"), o.Effort)
	}
	if err := x.checkQueries(queries); err != nil {
		return Results{}, err
	}
	s, err := x.view()
	if err != nil {
		return Results{}, err
	}
	defer runtime.KeepAlive(s)
	found := Results{hits: make([][]Hit, len(queries)/x.options.Dim), s: s}
	err = x.searchIn(ctx, s, queries, o, found.hits)
	return found, err
}

func (x *Index) searchIn(ctx context.Context, s *snapshot, queries []float32, o SearchOptions, hits [][]Hit) error {
	hidden, left := s.hidden(&o.Filter)
	o.K = min(o.K, left)
	if s.byGraph(&o, left) {
		return x.approximate(ctx, s, queries, o, hidden, hits)
	}
	return x.exact(ctx, s, queries, o, hidden, hits)
}

func (x *Index) checkQueries(queries []float32) error {
	dim := x.options.Dim
	if len(queries)%dim != 0 {
		return errors.Errorf("index: %d numbers are no whole queries of %d", len(queries), dim)
	}
	for i := 0; i < len(queries); i += dim {
		if !loops.Finite(queries[i : i+dim]) {
			return errors.Errorf("index: query %d holds a number that is not finite", i/dim)
		}
	}
	return nil
}

// exact compares the queries with all items.
func (x *Index) exact(ctx context.Context, s *snapshot, queries []float32, o SearchOptions, hidden []*mask, hits [][]Hit) error {
	dim := x.options.Dim
	for lo := 0; lo < len(hits); lo += nearest.FinderQueries {
		hi := min(lo+nearest.FinderQueries, len(hits))
		f := nearest.NewFinder(nearest.Distance(x.options.Distance), dim, queries[lo*dim:hi*dim], o.K, s.id, nil)
		err := s.scan(f, hidden, nearest.TileRows(hi-lo), func() error {
			return errors.Wrapf(ctx.Err(), "index: stopped at query %d of %d", lo, len(hits))
		})
		if err != nil {
			return err
		}
		for i := lo; i < hi; i++ {
			hits[i] = s.hits(f.Found(i-lo), x.options.Distance)
		}
	}
	return nil
}

func (s *snapshot) hits(rows []nearest.Ranked, d metrics.Distance) []Hit {
	out := make([]Hit, len(rows))
	for i, r := range rows {
		out[i] = Hit{s.id(r.Row), nearest.Distance(d).FromKey(r.Key), r.Row}
	}
	return out
}
