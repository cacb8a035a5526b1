package nearest

import (
	"math"

	"medusa/internal/cpu/loops"
)

// Products of rows rounded to 16-bit integers take half the time of those of float32, and their
// error is known as well. With steps p and q, a = p·A + δ and b = q·B + ε where A and B hold
// integers, and every element of δ is at most ½p, of ε ½q (a little more: see half). So
//
//	|a·b − pq·A·B| = |a·ε + δ·b − δ·ε| ≤ h·(q‖a‖ + p‖b‖) + h²·pq,  h = ½√D
//
// The sum A·B is exact: its terms are within 32 bits, and so are all partial sums, as ‖A‖ and ‖B‖ are
// below 2¹⁵ + ½√D. To float32 it is rounded once, and the steps are powers of two. For Cosine,
// both sides are rows of length 1.

const (
	smallNorm = 0x1p-40 // what is shorter or longer is left to float32 and float64
	largeNorm = 0x1p+40
	half      = 0.505 // of a step: the rounding itself, and that of what is rounded
	longest   = 1 << 20
)

// shorts is the queries of a Finder as integers, and the memory for those of a tile.
type shorts struct {
	usable bool
	pitch  int
	step   float64
	rows   []int16 // as many as whole tiles of the kernel have
	tile   []int16
	panels []int16
}

// shortStep is the least power of two of which no element of a row of that norm, rounded, has
// more than 16 bits can count.
func shortStep(norm float64) float64 {
	_, exp := math.Frexp(norm) // norm < 2^exp
	step := math.Ldexp(1, exp-15)
	if norm > math.MaxInt16*step {
		step *= 2
	}
	return step
}

func fits(least, largest float64) bool {
	return largest <= largeNorm && (largest == 0 || largest >= smallNorm)
}

// take makes integers of the queries of f, if it will pay.
func (s *shorts) take(f *Finder) {
	q, largest := len(f.norms), f.largest
	if f.d == Cosine {
		largest = 1
	}
	if !loops.HasShorts() || q < shortLeast || f.dim > longest || !fits(0, largest) || largest == 0 {
		return
	}
	s.usable, s.pitch = true, loops.ShortPitch(f.dim)
	s.step = shortStep(largest * (1 + 0x1p-20)) // a row of length 1 is that only about
	s.rows = make([]int16, (q+loops.ShortRows-1)/loops.ShortRows*loops.ShortRows*s.pitch)
	for i := range q {
		loops.Shorten(s.rows[i*s.pitch:(i+1)*s.pitch], f.product[i*f.dim:(i+1)*f.dim], float32(1/s.step))
	}
}

// fit reports whether a tile is to be compared by integers, and sets their step.
func (s *shorts) fit(v *view) bool {
	if !s.usable || v.f.coarse || !fits(v.least, v.largest) || v.largest == 0 {
		return false
	}
	if v.f.d == Cosine {
		if v.least != 0 && v.least < smallNorm {
			return false
		}
		v.step = s.step
		return true
	}
	v.step = shortStep(v.largest)
	return true
}

// bound is Distance.Error of a value that comes of integers.
func (s *shorts) bound(d Distance, dim int, a, b, step float64) float64 {
	h := half * math.Sqrt(float64(dim))
	factor := 1.0
	switch d {
	case Euclidean:
		factor = 2
	case Cosine:
		a, b = 1, 1
	}
	product := h*(step*a+s.step*b) + h*h*s.step*step
	return d.Error(dim, a+h*s.step, b+h*step) + Slack*factor*product
}

// showShorts goes by products of integers: each goroutine multiplies a few queries with the
// whole tile, and looks at the values while they are in its cache.
func (f *Finder) showShorts(v *view) {
	s, n := &f.shorts, v.n
	const columns = loops.ShortColumns
	width := (n + columns - 1) / columns * columns
	s.tile, s.panels = grow(s.tile, n*s.pitch), grow(s.panels, width*s.pitch)
	loops.Parallel(n, 4*columns, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			loops.Shorten(s.tile[i*s.pitch:(i+1)*s.pitch], v.t.Rows[i*f.dim:(i+1)*f.dim], s.scale(v, i))
		}
		loops.ShortPanels(s.panels[lo*s.pitch:], s.tile[lo*s.pitch:hi*s.pitch], hi-lo, s.pitch)
	})
	bias := f.bias(v)
	alpha := f.alpha() * float32(s.step*v.step)
	loops.Parallel(len(f.heaps), finderPiece, func(lo, hi int) {
		values := f.piece(width)
		defer f.scratch.Put(values)
		m := (hi - lo + loops.ShortRows - 1) / loops.ShortRows * loops.ShortRows
		loops.ShortProducts(*values, width, alpha, s.rows[lo*s.pitch:], m, s.panels, width, s.pitch)
		for i := lo; i < hi; i++ {
			at := (i - lo) * width
			v.visit(i, (*values)[at:at+n], bias)
		}
	})
}

// scale is what row i of a tile is multiplied by.
func (s *shorts) scale(v *view, i int) float32 {
	if v.f.d != Cosine {
		return float32(1 / v.step)
	}
	if v.t.Norms[i] == 0 {
		return 0
	}
	return float32(1 / (v.step * v.t.Norms[i]))
}

// piece is memory for the values of finderPiece queries.
func (f *Finder) piece(width int) *[]float32 {
	p, _ := f.scratch.Get().(*[]float32)
	if p == nil {
		p = new([]float32)
	}
	*p = grow(*p, finderPiece*width)
	return p
}
