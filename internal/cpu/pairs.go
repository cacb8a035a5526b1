package cpu

import (
	"math"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	register(pairMask[float32], pairMask[float64])
	register(rowCount[float32], rowCount[float64])
}

// maskRows reads a mask row by row.
type maskRows[T loops.Float] struct {
	spec.Mask
	rows, cols int
	in         [][]T
	at         []int       // of each filter, its first input
	listed     int         // the last filter that lists columns, or −1
	classes    *classes[T] // of a batch with itself, which pairs are of one label; nil of other masks
	around     [][]T       // of a batch class after class, what the negatives of a class of each size are cut of; else empty
}

func newMaskRows[T loops.Float](m spec.Mask, rows, cols int) maskRows[T] {
	r := maskRows[T]{Mask: m, rows: rows, cols: cols, listed: -1}
	at := 1
	for i, c := range m.Filters {
		r.at = append(r.at, at)
		at += c.Inputs()
		if c.Kind == spec.Listed {
			r.listed = i
		}
	}
	return r
}

// begin takes the mask's inputs, the first ones of in, and returns those after them.
func (m *maskRows[T]) begin(in [][]T) [][]T {
	n := m.Inputs()
	m.in = append(m.in[:0], in[:n]...)
	if m.Pairs != spec.Given && !m.Cross && m.listed < 0 {
		if m.classes == nil {
			m.classes = newClasses[T](m.rows)
		}
		m.classes.list(in[0])
		m.cutAround(in[0])
	}
	return in[n:]
}

// cutAround makes what rows of negatives are cut of where the classes of few rows stand one after the other: as many
// zeros as a class has rows between ones, so that no row of a mask need be written. Labels that are NaN, which are of
// no class, would come first.
func (m *maskRows[T]) cutAround(labels []T) {
	c := m.classes
	if m.Pairs != spec.Negative || !c.few || !c.sorted || m.rows == 0 || labels[0] != labels[0] {
		m.around = m.around[:0]
		return
	}
	for r := 0; r < m.rows; r = int(c.to[r]) {
		size := int(c.to[r]) - r
		for len(m.around) <= size {
			m.around = append(m.around, nil)
		}
		if m.around[size] == nil {
			row := onesOf[T](2*m.cols + size)
			clear(row[m.cols : m.cols+size])
			m.around[size] = row
		}
	}
}

// negatives is row r of negatives, cut of what lies in memory.
func (m *maskRows[T]) negatives(r int) []T {
	from, to := int(m.classes.from[r]), int(m.classes.to[r])
	return m.around[to-from][m.cols-from:][:m.cols]
}

// row is row r of the mask, made in scratch if it does not lie in memory. Nobody writes to it.
func (m *maskRows[T]) row(r int, scratch []T) []T {
	row := scratch[:m.cols]
	switch {
	case m.listed >= 0:
		clear(row)
		k := m.Filters[m.listed].K
		for _, v := range m.in[m.at[m.listed]][r*k : (r+1)*k] {
			if j := int(v); v >= 0 && j < m.cols && m.holds(r, j, m.listed) {
				row[j] = 1
			}
		}
	case m.Pairs == spec.Given:
		row = m.in[0][r*m.cols : (r+1)*m.cols]
	case len(m.around) > 0:
		row = m.negatives(r)
	default:
		m.ofLabels(r, row)
	}
	for i := m.listed + 1; i < len(m.Filters); i++ {
		d, low, high := m.within(i, r)
		loops.Between(scratch[:m.cols], d, row, 1, low, high)
		row = scratch[:m.cols]
	}
	return row
}

// write writes row r to dst.
func (m *maskRows[T]) write(r int, dst []T) {
	if row := m.row(r, dst); &row[0] != &dst[0] {
		copy(dst, row)
	}
}

// ofLabels is row r of the pairs, without what is chosen of them.
func (m *maskRows[T]) ofLabels(r int, row []T) {
	labels := m.in[0]
	if m.classes != nil && m.classes.few {
		m.ofFew(r, row)
		return
	}
	loops.Equals(row, m.columnLabels(), labels[r])
	switch {
	case m.Pairs == spec.Negative:
		loops.Affine(row, row, -1, 1)
	case !m.Cross:
		row[r] = 0
	}
}

// ofFew is ofLabels where few rows have the label of row r: all others are alike.
func (m *maskRows[T]) ofFew(r int, row []T) {
	of, same := m.classes, T(1)
	if m.Pairs == spec.Negative {
		copy(row, of.ones)
		same = 0
	} else {
		clear(row)
	}
	if label := m.in[0][r]; label != label { // a NaN is not even its own
		return
	}
	for _, j := range of.order[of.from[r]:of.to[r]] {
		row[j] = same
	}
	row[r] = 0
}

func (m *maskRows[T]) columnLabels() []T {
	if m.Cross {
		return m.in[0][m.rows:]
	}
	return m.in[0]
}

// holds reports whether the mask holds (r, j), by its first filters alone.
func (m *maskRows[T]) holds(r, j, filters int) bool {
	switch m.Pairs {
	case spec.Given:
		if m.in[0][r*m.cols+j] == 0 {
			return false
		}
	default:
		same := m.in[0][r] == m.columnLabels()[j]
		if same != (m.Pairs == spec.Positive) || same && !m.Cross && r == j {
			return false
		}
	}
	for i, c := range m.Filters[:filters] {
		if c.Kind == spec.Within {
			if d, low, high := m.within(i, r); d[j] <= low || d[j] >= high {
				return false
			}
			continue
		}
		found := false
		for _, v := range m.in[m.at[i]][r*c.K : (r+1)*c.K] {
			found = found || v == T(j)
		}
		if !found {
			return false
		}
	}
	return true
}

// has reports whether the mask holds (r, j).
func (m *maskRows[T]) has(r, j int) bool { return m.holds(r, j, len(m.Filters)) }

// held is what the mask holds of (r, j), one of its entries.
func (m *maskRows[T]) held(r, j int) float64 {
	if m.InMemory() {
		return float64(m.in[0][r*m.cols+j])
	}
	return 1
}

// within is what filter i compares in row r, and the bounds between which a number is chosen; one
// that is NaN is none.
func (m *maskRows[T]) within(i, r int) (d []T, low, high T) {
	at := m.at[i]
	low, high = m.in[at+1][r], m.in[at+2][r]
	if math.IsInf(float64(low), -1) {
		low = T(math.NaN())
	}
	return m.in[at][r*m.cols : (r+1)*m.cols], low, justAbove(high)
}

// justAbove is the least number above v, NaN above ∞.
func justAbove[T loops.Float](v T) T {
	switch w := any(v).(type) {
	case float32:
		if w == float32(math.Inf(1)) {
			return T(math.NaN())
		}
		return T(math.Nextafter32(w, float32(math.Inf(1))))
	case float64:
		if math.IsInf(w, 1) {
			return T(math.NaN())
		}
		return T(math.Nextafter(w, math.Inf(1)))
	}
	return v
}

func pairMask[T loops.Float](s spec.PairMask) func(out []T, in [][]T) {
	mask := newMaskRows[T](s.Mask, s.Rows, s.Cols)
	var out []T
	body := func(lo, hi int) {
		for i := lo; i < hi; i++ {
			mask.write(i, out[i*s.Cols:(i+1)*s.Cols])
		}
	}
	return func(o []T, in [][]T) {
		out = o
		mask.begin(in)
		loops.Parallel(s.Rows, rowGrain(s.Cols), body)
	}
}

func rowCount[T loops.Float](s spec.RowCount) func(out []T, in [][]T) {
	mask := newMaskRows[T](s.Mask, s.Rows, s.Cols)
	var out []T
	rows := newEachRow(s.Rows, s.Cols, s.Cols, func(r int, scratch []T) {
		count := 0
		for _, v := range mask.row(r, scratch) {
			if v != 0 {
				count++
			}
		}
		out[r] = T(count)
	})
	return func(o []T, in [][]T) {
		out = o
		mask.begin(in)
		rows.run()
	}
}

// eachRow works on rows in parallel, with scratch memory of width numbers for each
// worker.
type eachRow[T loops.Float] struct {
	rows, grain, width int
	body               func(r int, scratch []T)
	scratch            [][]T
}

func newEachRow[T loops.Float](rows, cols, width int, body func(r int, scratch []T)) *eachRow[T] {
	return &eachRow[T]{rows: rows, grain: rowGrain(cols), width: width, body: body}
}

func (e *eachRow[T]) run() {
	for len(e.scratch) < loops.Threads() {
		e.scratch = append(e.scratch, make([]T, e.width))
	}
	loops.DoAtMost(len(e.scratch), (e.rows+e.grain-1)/e.grain, e)
}

// Piece does some rows.
func (e *eachRow[T]) Piece(piece, worker int) {
	for r := piece * e.grain; r < min((piece+1)*e.grain, e.rows); r++ {
		e.body(r, e.scratch[worker])
	}
}
