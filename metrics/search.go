package metrics

import (
	"context"
	"math"

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
	s := found.scan
	best := make([]nearestRows, min(searchBlock.queries, m.query.Len()))
	begin := func(lo, hi int) {
		for i := lo; i < hi; i++ {
			best[i-lo].reset(s, k)
		}
	}
	end := func(lo, hi int) {
		parallelQueries(lo, hi, func(i int) {
			found.more[i] = best[i-lo].write(found.Indices[i*k:(i+1)*k], keys[i*k:(i+1)*k])
		})
	}
	err := s.run(ctx, begin, end, func(query, first int, values, bias []float32) {
		best[query%searchBlock.queries].visit(query, first, values, bias)
	})
	return found, err
}

func parallelQueries(lo, hi int, body func(i int)) {
	loops.Parallel(hi-lo, 8, func(a, b int) {
		for i := lo + a; i < lo+b; i++ {
			body(i)
		}
	})
}

// nearestRows keeps the k nearest rows seen so far.
type nearestRows struct {
	scan  *scanner
	heap  nearest.Heap
	limit float32 // a tile value above it cannot belong to a nearer row
}

func (n *nearestRows) reset(s *scanner, k int) {
	n.scan, n.limit = s, float32(math.Inf(1))
	n.heap.Reset(k, nil)
}

func (n *nearestRows) visit(query, first int, values, bias []float32) {
	const vector = 16
	own := n.scan.ownRow(query)
	for j := 0; j < len(values); {
		j += loops.SkipAbove(values[j:], bias[j:len(values)], n.limit)
		for end := min(j+vector, len(values)); j < end; j++ {
			if values[j]+bias[j] > n.limit || first+j == own {
				continue // a NaN goes on to the exact comparison
			}
			if n.heap.Offer(nearest.Ranked{Key: n.scan.key(query, first+j), Row: int32(first + j)}) && n.heap.Full() {
				_, n.limit = n.scan.window(query, n.heap.Farthest())
			}
		}
	}
}

// write empties the heap into a query's results, nearest first, and reports whether
// other rows are as near as the last one.
func (n *nearestRows) write(indices []int32, keys []float64) (more bool) {
	for i, r := range n.heap.Sorted() {
		indices[i], keys[i] = r.Row, r.Key
	}
	return n.heap.Least() == keys[len(keys)-1]
}
