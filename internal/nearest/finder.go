package nearest

import (
	"math"
	"sync"
	"sync/atomic"

	"medusa/internal/cpu/loops"
)

// Tile is gallery rows that are shown to a Finder at once, with their norms. Their numbers are
// First, First+1, …, or those of Numbers. Rows whose bit is set in Hidden are passed over. Bytes, if they are there,
// are what PackBytes makes of the rows; Row then may give a row, in scratch if it wants to, in place of Rows.
type Tile struct {
	Rows    []float32
	Bytes   *Bytes
	Row     func(i int, scratch *[]float32) []float32
	Norms   []float64
	First   int32
	Numbers []int32
	Hidden  []uint64
}

func (t *Tile) number(i int) int32 {
	if t.Numbers != nil {
		return t.Numbers[i]
	}
	return t.First + int32(i)
}

// row is the numbers of a row.
func (t *Tile) row(i, dim int, scratch *[]float32) []float32 {
	if t.Rows == nil {
		return t.Row(i, scratch)
	}
	return t.Rows[i*dim : (i+1)*dim]
}

func (t *Tile) hides(i int) bool { return t.Hidden != nil && t.Hidden[i>>6]>>(i&63)&1 != 0 }

// Finder finds the nearest rows of each of a block of queries among tiles that are shown to it
// one after the other. The order and the size of tiles change nothing, nor does the number of
// threads: a product, of 16-bit integers or of float32, sorts out rows that are farther for
// sure, and the others are compared in float64. So do, for a few queries, rows of bytes.
type Finder struct {
	d       Distance
	dim     int
	rows    []float32
	norms   []float64
	largest float64 // norm
	least   float64 // norm
	own     []int32 // a row that is not to be found, one a query; or nil
	heaps   []Heap

	product []float32 // the rows that are multiplied: for Cosine divided by their norm
	shorts  shorts
	bytes   []byteQuery // one a query, once rows of bytes were shown
	values  []float32   // of a whole tile
	turned  []float32   // the same, a column a query
	scratch sync.Pool   // *[]float32, values of a piece
	perRow  []float32   // ‖b‖² for Euclidean, 1/‖b‖ for Cosine
	zeros   []float32
	exact   atomic.Int64 // rows of a tile that were compared in float64
	shown   int          // rows
	coarse  bool         // integers leave too many rows in doubt
}

const (
	finderPiece = 48 // queries that one goroutine works on at once
	shortLeast  = 32 // queries for which it pays to make integers of a tile
)

// FinderQueries is how many queries a Finder should have, if there are so many: enough for what
// is done once to a tile not to count.
const FinderQueries = 1020

// TileRows is how many rows a tile should have, for so many queries: many enough, and so few
// that values are read from a cache.
func TileRows(queries int) int {
	switch {
	case queries == 1:
		return 4096
	case queries < shortLeast:
		return 1024
	}
	return 512
}

// Few reports whether so many queries are compared by bytes of the rows, where these are there.
func Few(queries int) bool { return queries < shortLeast }

// Distance is the one that f goes by.
func (f *Finder) Distance() Distance { return f.d }

// NewFinder looks for the k nearest rows of each of the queries, rows of dim elements. Rows of
// one distance rank by id, or by their number where id is nil. own, if not nil, has the number
// of a row for each query that is not to be found, below 0 for none.
func NewFinder(d Distance, dim int, queries []float32, k int, id func(int32) uint64, own []int32) *Finder {
	n := len(queries) / dim
	f := &Finder{d: d, dim: dim, rows: queries, norms: make([]float64, n), least: math.Inf(1), own: own, heaps: make([]Heap, n)}
	Norms(f.norms, queries, dim)
	for i := range f.heaps {
		f.heaps[i].Reset(k, id)
		f.largest, f.least = max(f.largest, f.norms[i]), min(f.least, f.norms[i])
	}
	f.product = queries
	if d == Cosine {
		f.product = make([]float32, len(queries))
		for i, norm := range f.norms {
			unitRow(f.product[i*dim:(i+1)*dim], queries[i*dim:(i+1)*dim], norm)
		}
	}
	f.shorts.take(f)
	return f
}

// Norms writes the length of each row of dim elements.
func Norms(dst []float64, rows []float32, dim int) {
	loops.Parallel(len(dst), 256, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := rows[i*dim : (i+1)*dim]
			dst[i] = math.Sqrt(Dot(row, row))
		}
	})
}

// Found is the nearest of the rows shown, nearest first, for a query. It ends the search of it.
func (f *Finder) Found(query int) []Ranked { return f.heaps[query].Sorted() }

// Least is the least key of a row that was shown to a query and not found, infinite if none is.
func (f *Finder) Least(query int) float64 { return f.heaps[query].Least() }

// Show offers the rows of a tile to all queries.
func (f *Finder) Show(t Tile) {
	if len(t.Norms) == 0 || len(f.heaps) == 0 {
		return
	}
	v := view{f: f, t: &t, n: len(t.Norms), least: math.Inf(1)}
	if v.bytes = f.Takes(t.Bytes); v.bytes {
		v.largest = t.Bytes.largest
		f.doubt(&v, f.showBytes)
		return
	}
	for _, norm := range t.Norms {
		if norm > v.largest { // max would look for NaN as well
			v.largest = norm
		}
		if norm < v.least {
			v.least = norm
		}
	}
	if f.shorts.fit(&v) {
		f.doubt(&v, f.showShorts)
		return
	}
	f.showFloats(&v)
	f.shown += v.n
}

// doubt shows a tile by integers, and gives them up where they leave too many rows in doubt.
func (f *Finder) doubt(v *view, show func(*view)) {
	before := f.exact.Load()
	show(v)
	const settled, doubts = 8192, 40 // rows until the nearest ones are about known; what an exact distance costs in products
	if f.shown > settled && (f.exact.Load()-before)*doubts > int64(v.n*len(f.heaps)) {
		f.coarse = true
	}
	f.shown += v.n
}

// view is a tile as it is being looked at.
type view struct {
	f              *Finder
	t              *Tile
	n              int
	largest, least float64 // norms
	step           float64 // of the tile's integers; 0 if the values are products of float32
	bytes          bool    // values come of the tile's bytes
}

// bound is how far a value may be above the key of the same row, but for what all rows have in common; and below it.
func (v *view) bound(query int) (above, below float64) {
	f := v.f
	switch {
	case v.bytes:
		above, below = v.t.Bytes.bound(f, query)
		return above, above + below
	case v.step > 0:
		above = f.shorts.bound(f.d, f.dim, f.norms[query], v.largest, v.step)
	default:
		above = f.d.Error(f.dim, f.norms[query], v.largest)
	}
	return above, above
}

// shift is what a value has less than the key of the same row, as all rows do.
func (v *view) shift(query int) float64 {
	if v.f.d == Euclidean {
		return v.f.norms[query] * v.f.norms[query]
	}
	return 0
}

// enough is a value which k rows of the tile keep below, whatever the errors of values, above and below the keys: a row above
// it is not among the k nearest. It is infinite if there are no k rows.
func (v *view) enough(values, bias []float32, own int32, k int, errors float64) float32 {
	if v.n < k {
		return float32(math.Inf(1))
	}
	least := make([]float32, 0, k) // a heap, the largest on top
	for j := 0; j < v.n; j++ {
		if len(least) == k {
			if j += loops.SkipAbove(values[j:], bias[j:v.n], least[0]); j >= v.n {
				break
			}
		}
		value := values[j] + bias[j]
		if len(least) == k && !(value < least[0]) || value != value || v.skips(j, own) {
			continue
		}
		if len(least) < k {
			if least = append(least, value); len(least) == k {
				for i := k/2 - 1; i >= 0; i-- {
					sinkValue(least, i)
				}
			}
			continue
		}
		least[0] = value
		sinkValue(least, 0)
	}
	if len(least) < k {
		return float32(math.Inf(1))
	}
	return Up(float64(least[0]) + errors)
}

func sinkValue(heap []float32, i int) {
	for {
		child := 2*i + 1
		if child >= len(heap) {
			return
		}
		if child+1 < len(heap) && heap[child+1] > heap[child] {
			child++
		}
		if heap[i] >= heap[child] {
			return
		}
		heap[i], heap[child] = heap[child], heap[i]
		i = child
	}
}

// skips reports whether a row of the tile is not to be found.
func (v *view) skips(j int, own int32) bool {
	return v.t.hides(j) || own >= 0 && v.t.number(j) == own
}

// visit offers to a query the rows whose values do not rule them out. A value that is NaN rules
// out nothing.
func (v *view) visit(query int, values, bias []float32) {
	f, heap := v.f, &v.f.heaps[query]
	if heap.k == 0 {
		return
	}
	own := int32(-1)
	if f.own != nil {
		own = f.own[query]
	}
	above, below := v.bound(query)
	shift := v.shift(query)
	var limit float32
	if heap.Full() {
		limit = Up(heap.Farthest() - shift + above)
	} else {
		limit = v.enough(values, bias, own, heap.k, above+below)
	}
	row := f.rows[query*f.dim : (query+1)*f.dim]
	compared, scratch := 0, []float32(nil)
	for j := 0; j < len(values); j++ {
		if j += loops.SkipAbove(values[j:], bias[j:len(values)], limit); j >= len(values) {
			break
		}
		if v.skips(j, own) {
			continue
		}
		number := v.t.number(j)
		compared++
		key := f.d.Key(row, v.t.row(j, f.dim, &scratch), f.norms[query], v.t.Norms[j])
		if heap.Offer(Ranked{key, number}) && heap.Full() {
			limit = min(limit, Up(heap.Farthest()-shift+above))
		}
	}
	f.exact.Add(int64(compared))
}

// alpha is what a product of two rows is multiplied by.
func (f *Finder) alpha() float32 {
	if f.d == Euclidean {
		return -2
	}
	return -1
}

// bias is what is added to the values of a tile: ‖b‖² for Euclidean, else zeros.
func (f *Finder) bias(v *view) []float32 {
	if f.d != Euclidean {
		f.zeros = grow(f.zeros, v.n) // nobody writes to it
		return f.zeros
	}
	f.perRow = grow(f.perRow, v.n)
	for i, norm := range v.t.Norms {
		f.perRow[i] = float32(norm * norm)
	}
	return f.perRow
}

// showFloats goes by products of float32.
func (f *Finder) showFloats(v *view) {
	q, n := len(f.heaps), v.n
	f.values = grow(f.values, q*n)
	if q == 1 || q >= shortLeast {
		Products(f.values, f.alpha(), f.product, q, v.t.Rows, n, f.dim)
	} else { // few queries: they are brought into order, and not the tile
		f.turned = grow(f.turned, q*n)
		Products(f.turned, f.alpha(), v.t.Rows, n, f.product, q, f.dim)
		loops.Transpose(f.values, n, f.turned, q, n, q)
	}
	bias := f.bias(v)
	if f.d == Cosine {
		f.perRow = grow(f.perRow, n)
		for i, norm := range v.t.Norms {
			f.perRow[i] = reciprocal(norm)
		}
	}
	loops.Parallel(q, 8, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			values := f.values[i*n : (i+1)*n]
			if f.d == Cosine {
				loops.Mul(values, values, f.perRow[:n])
			}
			v.visit(i, values, bias)
		}
	})
}

// reciprocal is 1/norm, and NaN where the product with a row of that norm may be off by more
// than the bound says.
func reciprocal(norm float64) float32 {
	if norm < smallNorm || norm > largeNorm {
		return float32(math.NaN())
	}
	return float32(1 / norm)
}

// grow returns a slice of n elements, s itself if it is large enough.
func grow[E any](s []E, n int) []E {
	if cap(s) < n {
		return make([]E, n)
	}
	return s[:n]
}
