package metrics

import (
	"context"
	"slices"

	"medusa/internal/nearest"
)

// classes groups rows by label.
type classes map[int][]int32

func newClasses(labels []int) classes {
	c := make(classes)
	for i, l := range labels {
		c[l] = append(c[l], int32(i))
	}
	return c
}

// tier is gallery rows at one distance from a query, some of them relevant to it.
type tier struct {
	before   int32 // rows that are nearer
	rows     int32 // at this distance
	relevant int32 // of those rows
	junk     int32 // of the relevant ones: taken by the query's own camera
}

// open reports whether the order within the tier changes figures.
func (t tier) open() bool { return t.relevant < t.rows }

// order is how the gallery is ordered for a query.
type order interface {
	key(query, row int) float64                     // by which a visited row is counted
	final(query, row int) float64                   // by which it is ranked
	window(query int, key float64) (lo, hi float32) // the tile values that rows of a key can have
	correct(query int, f *rankFinder)               // after the count, what final says otherwise than key
}

// final is the key itself.
func (s *scanner) final(query, row int) float64 { return s.key(query, row) }

func (s *scanner) correct(int, *rankFinder) {}

// rankFinder finds the tiers of a query's relevant rows without sorting the gallery:
// the relevant rows' exact keys are sorted, and every gallery row is counted as equal to
// one of them or into the gap between two. A table over the tile values leads to the gap;
// only a value within the error bound of a relevant key asks for the exact key.
type rankFinder struct {
	scan  *scanner
	order order
	rows  []nearest.Ranked // the relevant rows, in order
	keys  []float64        // their different keys, in order
	tiers []tier           // one a key, before and rows still to be filled in
	gaps                   // between the keys
	count []int32          // 2k: rows in the gap before key k; 2k+1: rows of key k; last: rows after all
}

// reset prepares for a query with the given relevant rows.
func (f *rankFinder) reset(query int, rows []int32) {
	f.rows = f.rows[:0]
	own := f.scan.ownRow(query)
	for _, j := range rows {
		if int(j) == own {
			continue
		}
		f.rows = append(f.rows, nearest.Ranked{Key: f.order.final(query, int(j)), Row: j})
	}
	slices.SortFunc(f.rows, nearest.Compare)
	f.keys, f.tiers = f.keys[:0], f.tiers[:0]
	for i, r := range f.rows {
		if i == 0 || r.Key != f.rows[i-1].Key {
			f.keys, f.tiers = append(f.keys, r.Key), append(f.tiers, tier{})
		}
		t := &f.tiers[len(f.tiers)-1]
		t.relevant++
		if f.scan.sameCamera(query, int(r.Row)) {
			t.junk++
		}
	}
	n := len(f.keys)
	f.reserve(n)
	for i, key := range f.keys {
		f.lo[i], f.hi[i] = f.order.window(query, key)
	}
	f.fill(8192)
	f.count = resize(f.count, 2*n+1)
	clear(f.count)
}

// visit counts a stretch of gallery rows.
func (f *rankFinder) visit(query, first int, values, bias []float32) {
	if len(f.keys) == 0 {
		return
	}
	start, lo, hi, count, base, scale := f.start, f.lo, f.hi, f.count, f.base, f.scale
	for j, v := range values {
		v += bias[j]
		gap := start[bucket(v, base, scale, len(start))]
		for hi[gap] < v {
			gap++
		}
		if v < lo[gap] {
			count[2*gap]++
		} else {
			count[f.place(query, first+j)]++
		}
	}
}

// place is the index in count of a gallery row, by its exact key.
func (f *rankFinder) place(query, row int) int { return f.placeOf(f.order.key(query, row)) }

func (f *rankFinder) placeOf(key float64) int {
	gap, equal := slices.BinarySearch(f.keys, key)
	if equal {
		return 2*gap + 1
	}
	return 2 * gap
}

// ranking completes the tiers, nearest first; they are valid until the next reset.
func (f *rankFinder) ranking(query int) []tier {
	if own := f.scan.ownRow(query); own >= 0 && len(f.keys) > 0 {
		f.count[f.place(query, own)]--
	}
	if len(f.keys) > 0 {
		f.order.correct(query, f)
	}
	before := int32(0)
	for i := range f.tiers {
		before += f.count[2*i]
		f.tiers[i].before, f.tiers[i].rows = before, f.count[2*i+1]
		before += f.count[2*i+1]
	}
	return f.tiers
}

// forEachQuery calls use with the tiers of every query's relevant rows, in order of the
// queries; they are valid during the call only. Where reranked is not nil, it orders the gallery.
func forEachQuery(ctx context.Context, s *scanner, reranked *reranked, use func(query int, ranking []tier)) error {
	relevant := newClasses(s.gallery.Labels)
	finders := make([]rankFinder, min(rankBlock.queries, s.query.Len()))
	for i := range finders {
		finders[i].scan, finders[i].order = s, s
	}
	begin := func(lo, hi int) {
		if reranked != nil {
			reranked.order(s, finders, lo, hi)
		}
		parallelQueries(lo, hi, func(i int) { finders[i-lo].reset(i, relevant[s.query.Labels[i]]) })
	}
	end := func(lo, hi int) {
		for i := lo; i < hi; i++ {
			use(i, finders[i-lo].ranking(i))
		}
	}
	return s.run(ctx, begin, end, func(query, first int, values, bias []float32) {
		finders[query%rankBlock.queries].visit(query, first, values, bias)
	})
}

// resize gives s a new length and keeps its memory where it suffices; the content is
// undefined.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
