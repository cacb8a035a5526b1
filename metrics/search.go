package metrics

import (
	"context"

	"github.com/pkg/errors"

	"medusa/internal/cpu/loops"
	"medusa/internal/nearest"
	"medusa/internal/needs"
)

// SearchOptions says what is searched for. The zero value is the nearest row by
// Euclidean distance.
type SearchOptions struct {
	K                   int      // neighbours of each query; 1 if zero, at most the rows there are
	Distance            Distance // Euclidean if zero
	GalleryHoldsQueries bool     // query i is also row i of the gallery, and is not its own neighbour
	OwnRows             []int    // in place of GalleryHoldsQueries: query i is also row OwnRows[i], below zero for none

	// ReRank, if not nil, orders the gallery by k-reciprocal neighbours; distances are its own then.
	ReRank *ReRanking
}

// Neighbours is the K nearest gallery rows of every query, nearest first.
type Neighbours struct {
	K         int
	Indices   []int32   // queries×K rows of the gallery
	Distances []float64 // queries×K
}

// Len is the number of queries.
func (n Neighbours) Len() int {
	if n.K <= 0 {
		return 0
	}
	return len(n.Indices) / n.K
}

// Of is the gallery rows nearest to query i and their distances.
func (n Neighbours) Of(i int) ([]int32, []float64) {
	return n.Indices[i*n.K : (i+1)*n.K], n.Distances[i*n.K : (i+1)*n.K]
}

// Search finds the nearest gallery rows of every query, exactly, ties going to the
// lower row; labels are not needed. A nil gallery is the query set itself, each row
// left out of its own neighbours. K is cut to the number of rows that there are.
func Search(ctx context.Context, query Set, gallery *Set, o SearchOptions) (Neighbours, error) {
	if err := needs.Context("metrics", ctx); err != nil {
		return Neighbours{}, err
	}
	if o.K == 0 {
		o.K = 1
	}
	if o.K < 0 {
		return Neighbours{}, errors.Errorf("metrics: a search for %d neighbours", o.K)
	}
	if err := o.Distance.check(); err != nil {
		return Neighbours{}, err
	}
	if err := o.ReRank.check(o.Distance); err != nil {
		return Neighbours{}, err
	}
	m, err := match(query, gallery, o.GalleryHoldsQueries, o.OwnRows)
	if err != nil {
		return Neighbours{}, err
	}
	if o.ReRank != nil {
		r, err := m.reRank(ctx, o.Distance, o.ReRank)
		if err != nil {
			return Neighbours{}, err
		}
		return r.search(ctx, o.K)
	}
	found, err := m.search(ctx, o)
	if err != nil {
		return Neighbours{}, err
	}
	for i, key := range found.keys {
		found.Distances[i] = o.Distance.fromKey(key)
	}
	return found.Neighbours, nil
}

// nearby is the nearest rows of every query with their exact keys; Distances, of the
// same memory as keys, are still to be made from them.
type nearby struct {
	Neighbours
	scan *scanner
	keys []float64
	more []bool // one a query: at the key of the last row there are others, which found no room
}

func (m matching) search(ctx context.Context, o SearchOptions) (nearby, error) {
	k := min(o.K, m.others())
	keys := make([]float64, m.query.Len()*k)
	found := nearby{
		Neighbours: Neighbours{K: k, Indices: make([]int32, m.query.Len()*k), Distances: keys},
		scan:       newScanner(m, o.Distance, searchBlock), keys: keys, more: make([]bool, m.query.Len()),
	}
	for lo := 0; lo < m.query.Len(); lo += nearest.FinderQueries {
		hi := min(lo+nearest.FinderQueries, m.query.Len())
		f, err := m.find(ctx, found.scan, o.Distance, k, lo, hi)
		if err != nil {
			return found, err
		}
		parallelQueries(lo, hi, func(i int) {
			place := i * k
			for _, r := range f.Found(i - lo) {
				found.Indices[place], keys[place] = r.Row, r.Key
				place++
			}
			found.more[i] = f.Least(i-lo) == keys[place-1]
		})
	}
	return found, nil
}

// find is the k nearest rows of each of the queries [lo, hi).
func (m matching) find(ctx context.Context, s *scanner, d Distance, k, lo, hi int) (*nearest.Finder, error) {
	dim, rows := m.query.Dim, m.gallery.Len()
	var own []int32
	if m.own {
		own = make([]int32, hi-lo)
		for i := range own {
			own[i] = int32(max(m.ownRow(lo+i), -1))
		}
	}
	f := nearest.NewFinder(nearest.Distance(d), dim, m.query.Embeddings[lo*dim:hi*dim], k, nil, own)
	tile := nearest.TileRows(hi - lo)
	for first := 0; first < rows; first += tile {
		if err := ctx.Err(); err != nil {
			return nil, errors.Wrapf(err, "metrics: stopped at query %d of %d", lo, m.query.Len())
		}
		end := min(first+tile, rows)
		f.Show(nearest.Tile{Rows: m.gallery.Embeddings[first*dim : end*dim], Norms: s.g.norm[first:end], First: int32(first)})
	}
	return f, nil
}

func parallelQueries(lo, hi int, body func(i int)) {
	loops.Parallel(hi-lo, 8, func(a, b int) {
		for i := lo + a; i < lo+b; i++ {
			body(i)
		}
	})
}
