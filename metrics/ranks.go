package metrics

import (
	"cmp"
	"context"
	"math"
	"slices"
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

// ranked is a gallery row with its exact key.
type ranked struct {
	key float64
	row int32
}

// compareRanked orders by key, ties by the lower row: the order of every ranking here.
func compareRanked(a, b ranked) int {
	if c := cmp.Compare(a.key, b.key); c != 0 {
		return c
	}
	return cmp.Compare(a.row, b.row)
}

// rankFinder finds the ranks of a query's relevant rows without sorting the gallery:
// the relevant rows' exact keys are sorted, and every gallery row is counted into the
// gap between them that it falls into. A table over the tile values leads to the gap;
// only a value within the error bound of a relevant key asks for the exact key.
type rankFinder struct {
	scan     *scanner
	relevant []ranked  // in order
	lo, hi   []float32 // windows of the relevant keys, then +Inf
	start    []int32   // bucket → a gap not after that of any value in the bucket
	base     float32   // value v is in bucket ⌊(v − base)·scale⌋, cut to the table
	scale    float32
	count    []int32 // rows in the gap before each relevant key, itself included; then those after all
}

// reset prepares for a query with the given relevant rows.
func (f *rankFinder) reset(query int, rows []int32) {
	f.relevant = f.relevant[:0]
	for _, j := range rows {
		if f.scan.own && int(j) == query {
			continue
		}
		f.relevant = append(f.relevant, ranked{f.scan.key(query, int(j)), j})
	}
	slices.SortFunc(f.relevant, compareRanked)
	n := len(f.relevant)
	f.lo, f.hi = resize(f.lo, n+1), resize(f.hi, n+1)
	for i, r := range f.relevant {
		f.lo[i], f.hi[i] = f.scan.window(query, r.key)
	}
	f.lo[n], f.hi[n] = float32(math.Inf(1)), float32(math.Inf(1))
	f.count = resize(f.count, n+1)
	clear(f.count)
	f.fillTable()
}

func (f *rankFinder) fillTable() {
	n := len(f.relevant)
	buckets := 256
	for buckets < 8*n && buckets < 8192 {
		buckets *= 2
	}
	f.start = resize(f.start, buckets)
	clear(f.start)
	if n == 0 {
		return
	}
	f.base = f.hi[0]
	f.scale = float32(buckets-1) / (f.hi[n-1] - f.hi[0])
	if !(f.scale > 0 && f.scale < math.MaxFloat32) || f.base-f.base != 0 {
		f.base, f.scale = 0, 0 // one bucket
	}
	gap := 0
	for b := range f.start {
		for gap < n && bucket(f.hi[gap], f.base, f.scale, buckets) < b {
			gap++
		}
		f.start[b] = int32(gap)
	}
}

// bucket never falls as v grows, which is all that start relies on.
func bucket(v, base, scale float32, buckets int) int {
	x := (v - base) * scale
	switch last := buckets - 1; {
	case x >= float32(last):
		return last
	case x > 0:
		return int(x)
	}
	return 0 // for NaN too
}

// visit counts a stretch of gallery rows.
func (f *rankFinder) visit(query, first int, values, bias []float32) {
	if len(f.relevant) == 0 {
		return
	}
	start, lo, hi, count, base, scale := f.start, f.lo, f.hi, f.count, f.base, f.scale
	for j, v := range values {
		v += bias[j]
		gap := start[bucket(v, base, scale, len(start))]
		for hi[gap] < v {
			gap++
		}
		if !(v < lo[gap]) {
			gap = f.exactGap(query, first+j)
		}
		count[gap]++
	}
}

// exactGap is the number of relevant rows that rank before a gallery row.
func (f *rankFinder) exactGap(query, row int) int32 {
	r := ranked{f.scan.key(query, row), int32(row)}
	gap, _ := slices.BinarySearchFunc(f.relevant, r, compareRanked)
	return int32(gap)
}

// ranks appends the ranks of the relevant rows, ascending, the nearest row of the
// gallery having rank 1.
func (f *rankFinder) ranks(query int, ranks []int32) []int32 {
	if f.scan.own && len(f.relevant) > 0 {
		f.count[f.exactGap(query, query)]--
	}
	rank := int32(0)
	for i := range f.relevant {
		rank += f.count[i]
		ranks = append(ranks, rank)
	}
	return ranks
}

// forEachQuery calls use with the ranks of every query's relevant rows, in order of the
// queries; ranks is valid during the call only.
func forEachQuery(ctx context.Context, s *scanner, use func(query int, ranks []int32)) error {
	relevant := newClasses(s.gallery.Labels)
	finders := make([]rankFinder, min(rankBlock.queries, s.query.Len()))
	for i := range finders {
		finders[i].scan = s
	}
	var ranks []int32
	begin := func(lo, hi int) {
		parallelQueries(lo, hi, func(i int) { finders[i-lo].reset(i, relevant[s.query.Labels[i]]) })
	}
	end := func(lo, hi int) {
		for i := lo; i < hi; i++ {
			ranks = finders[i-lo].ranks(i, ranks[:0])
			use(i, ranks)
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
