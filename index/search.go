package index

import (
	"context"
	"math"
	"runtime"

	"github.com/pkg/errors"

	"medusa/internal/cpu/loops"
	"medusa/internal/nearest"
	"medusa/internal/needs"
	"medusa/metrics"
)

// SearchOptions says what is searched for. The zero value is the nearest item.
type SearchOptions struct {
	K      int    // items for each query; 1 if zero
	Filter Filter // which items may be found
	// Exact makes a search compare the queries with all items, though there is a graph, and with vectors as
	// they came, if Options.KeepFloats keeps them.
	Exact bool
	// Effort is how many items a search over the graph keeps in view, 64 if zero, and at least K: with
	// more of them more of the nearest items are found, and it takes longer.
	Effort int
	// Rerank is how many items are found by what Options.Storage keeps of vectors, for the nearest of
	// them to be found by the vectors as they came; none if zero. Options.KeepFloats must keep them.
	Rerank int
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
	if err := x.checkOptions(o); err != nil {
		return Results{}, err
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
	k := min(o.K, left)
	o.K = min(max(o.K, o.Rerank), left)
	find := x.exact
	switch {
	case s.byGraph(&o, left):
		find = x.approximate
	case x.options.Storage == Binary && !(o.Exact && x.options.KeepFloats):
		find = x.hamming
	}
	if err := find(ctx, s, queries, o, hidden, hits); err != nil || o.Rerank == 0 || o.Exact {
		for i, h := range hits {
			hits[i] = h[:min(k, len(h))]
		}
		return err
	}
	x.rerank(s, queries, k, hits)
	return nil
}

// rerank leaves the k nearest of what was found for each query, by vectors as they came.
func (x *Index) rerank(s *snapshot, queries []float32, k int, hits [][]Hit) {
	dim, d := x.options.Dim, nearest.Distance(x.options.Distance)
	loops.Parallel(len(hits), 8, func(lo, hi int) {
		var heap nearest.Heap
		length := func(v []float32) float64 { return math.Sqrt(nearest.Dot(v, v)) }
		for i := lo; i < hi; i++ {
			query := queries[i*dim : (i+1)*dim]
			heap.Reset(k, s.id)
			for _, h := range hits[i] {
				c, at := split(h.row)
				v := s.chunks[c].floats[at*dim : (at+1)*dim]
				heap.Offer(nearest.Ranked{Key: d.Key(query, v, length(query), length(v)), Row: h.row})
			}
			hits[i] = s.hits(heap.Sorted(), x.options.Distance)
		}
	})
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
		all := scan{snapshot: s, hidden: hidden, tile: nearest.TileRows(hi - lo), few: nearest.Few(hi - lo), floats: o.Exact && x.options.KeepFloats}
		err := all.run(f, func() error {
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
