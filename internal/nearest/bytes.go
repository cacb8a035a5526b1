package nearest

import (
	"math"

	"medusa/internal/cpu/loops"
)

// A few queries are compared at the speed at which rows can be read, and a row of bytes is a quarter of one of float32. With
// a = q·A + ε and b = s·B + δ, where A holds integers of 16 bits and B of eight,
//
//	|a·b − qs·A·B| = |a·δ + ε·sB| ≤ ‖a‖‖δ‖ + ‖ε‖(‖b‖ + ‖δ‖)
//
// ‖δ‖ is known of each row, and taken off its value: what is compared is below the key of the row, and by at most twice
// as much. The sum A·B is exact, as ‖A‖ ≤ 2¹⁵ + ½√D and ‖B‖ ≤ 2⁷·√D; to float32 it is rounded once.

// Bytes is rows as a Finder reads them for a few queries. It is never changed.
type Bytes struct {
	d       Distance
	panel   loops.BytePanel
	slack   float64 // the largest
	largest float64 // length of a row as it is multiplied
}

// longestBytes is how many elements a row may have, so that sums stay within 32 bits.
const longestBytes = 1 << 14

// PackBytes makes bytes of rows of dim elements with these norms. It returns nil if there is nothing to be gained: by this
// processor, or by rows of such lengths.
func PackBytes(d Distance, rows []float32, norms []float64, dim int) *Bytes {
	n := len(norms)
	if !loops.HasBytes() || dim > longestBytes || n == 0 {
		return nil
	}
	b := &Bytes{d: d}
	for _, norm := range norms {
		if !fits(norm, norm) {
			return nil
		}
		b.largest = max(b.largest, norm)
	}
	if d == Cosine {
		b.largest = 1
	}
	pitch, whole := loops.ShortPitch(dim), (n+loops.ByteRows-1)/loops.ByteRows*loops.ByteRows
	b.panel = loops.BytePanel{Panels: make([]int8, whole*pitch), Scale: make([]float32, whole), Bias: make([]float32, whole), Slack: make([]float32, whole)}
	loops.Parallel(whole/loops.ByteRows, 4, func(lo, hi int) {
		bytes, unit := make([]int8, loops.ByteRows*pitch), make([]float32, dim)
		for p := lo; p < hi; p++ {
			first := p * loops.ByteRows
			end := min(n, first+loops.ByteRows)
			for i := first; i < end; i++ {
				row := rows[i*dim : (i+1)*dim]
				if d == Cosine {
					unitRow(unit, row, norms[i])
					row = unit
				}
				scale, lost := loops.Bytes(bytes[(i-first)*pitch:(i-first+1)*pitch], row)
				b.panel.Scale[i], b.panel.Slack[i] = scale, Up(lost*Slack)
				if d == Euclidean {
					b.panel.Bias[i] = float32(norms[i] * norms[i])
				}
			}
			loops.BytePanels(b.panel.Panels[first*pitch:], bytes, end-first, pitch)
		}
	})
	for _, s := range b.panel.Slack {
		b.slack = max(b.slack, float64(s))
	}
	return b
}

// unitRow is a row divided by its norm, zeros if that is 0.
func unitRow(dst, row []float32, norm float64) {
	if norm == 0 {
		clear(dst)
		return
	}
	for j, v := range row {
		dst[j] = float32(float64(v) / norm)
	}
}

// byteQuery is a query as integers.
type byteQuery struct {
	row        []int16
	step, lost float64 // of which the integers are multiples, and ‖ε‖
	norm       float64 // ‖a‖, as it is multiplied
}

// takeBytes makes integers of the queries.
func (f *Finder) takeBytes() []byteQuery {
	if f.bytes != nil {
		return f.bytes
	}
	f.bytes = make([]byteQuery, len(f.norms))
	for i := range f.bytes {
		q := &f.bytes[i]
		row := f.product[i*f.dim : (i+1)*f.dim]
		q.norm = f.norms[i]
		if f.d == Cosine && q.norm > 0 {
			q.norm = 1 + 0x1p-20 // about
		}
		q.row = make([]int16, loops.ShortPitch(f.dim))
		if q.norm == 0 {
			continue
		}
		q.step = shortStep(q.norm)
		loops.Shorten(q.row, row, float32(1/q.step))
		sum := 0.0
		for j, v := range row {
			apart := float64(v) - q.step*float64(q.row[j])
			sum += apart * apart
		}
		q.lost = math.Sqrt(sum)
	}
	return f.bytes
}

// Takes reports whether f compares its queries with a tile by its bytes.
func (f *Finder) Takes(b *Bytes) bool {
	return b != nil && b.d == f.d && !f.coarse && Few(len(f.heaps)) && fits(f.largest, f.largest) && fits(f.least, f.least)
}

// bound is how far the value of a row may be above its key, but for what all rows have in common; and how far below, beyond that.
func (b *Bytes) bound(f *Finder, query int) (above, below float64) {
	q := &f.bytes[query]
	factor := -float64(f.alpha())
	a, largest := q.norm, b.largest+b.slack
	if f.d == Cosine {
		largest += 0x1p-20
	}
	rounding := Unit * (4*largest*largest + 16*a*largest)
	above = Slack*(factor*q.lost*largest+rounding) + f.d.Error(f.dim, a, largest)
	return above, Slack * 2 * factor * a * b.slack
}

// showBytes goes by rows of bytes.
func (f *Finder) showBytes(v *view) {
	b, queries := v.t.Bytes, f.takeBytes()
	width := len(b.panel.Scale)
	f.values = grow(f.values, len(queries)*width)
	f.zeros = grow(f.zeros, width) // nobody writes to it
	factor := f.alpha()
	const piece = 1024 // rows
	pieces := (width + piece - 1) / piece
	loops.Parallel(len(queries)*pieces, 2, func(lo, hi int) {
		for at := lo; at < hi; at++ {
			i, first := at/pieces, at%pieces*piece
			end, q := min(width, first+piece), &queries[at/pieces]
			c := Up(-float64(factor) * q.norm * Slack)
			loops.ByteProducts(f.values[i*width+first:i*width+end], q.row, b.panel.Part(first, end, len(q.row)), factor*float32(q.step), c)
		}
	})
	loops.Parallel(len(queries), 2, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			v.visit(i, f.values[i*width:i*width+v.n], f.zeros)
		}
	})
}
