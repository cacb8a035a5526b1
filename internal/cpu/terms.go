package cpu

import (
	"math"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	registerSeveral(rowTerms[float32], rowTerms[float64])
	register(rowTermsGrad[float32], rowTermsGrad[float64])
}

func rowTerms[T loops.Float](s spec.RowTerms) func(out, in [][]T) {
	var x []T
	var to termOutputs[T]
	mask := newMaskRows[T](s.Mask, s.Rows, s.Cols)
	positives := positivesOf[T](s.Mask, s.Rows)
	var c T
	rows := newEachRow(s.Rows, s.Cols, s.Cols, func(r int, scratch []T) {
		row, chosen := chosenOf(&mask, positives, x[r*s.Cols:(r+1)*s.Cols], r, scratch)
		to.put(r, sumTerms(s, c, row, chosen, to.hinges != nil))
	})
	return func(out, in [][]T) {
		x, to = in[0], termsIn(out)
		c = hingeAt(s, mask.begin(in[1:]))
		if positives != nil {
			positives.list(in[1])
		}
		rows.run()
	}
}

// hingeAt is what is added to K·x, given the inputs behind those of the mask.
func hingeAt[T loops.Float](s spec.RowTerms, in [][]T) T {
	if s.Shift == 0 {
		return T(s.C)
	}
	return T(s.C) + T(T(s.Shift)*in[0][0])
}

// termSums is what RowTerms makes of a row: see its outputs.
type termSums[T loops.Float] struct{ sum, count, hinges T }

// termOutputs are the outputs of RowTerms.
type termOutputs[T loops.Float] struct{ sum, count, hinges []T }

func termsIn[T loops.Float](out [][]T) termOutputs[T] {
	to := termOutputs[T]{sum: out[0], count: out[spec.TermCount]}
	if len(out) > spec.TermHinges {
		to.hinges = out[spec.TermHinges]
	}
	return to
}

func (to *termOutputs[T]) put(r int, of termSums[T]) {
	to.sum[r] = of.sum
	putAt(to.count, r, of.count)
	putAt(to.hinges, r, of.hinges)
}

// sumTerms is what RowTerms makes of a row, with the sum of hinges if that is asked for; c stands for C.
func sumTerms[T loops.Float](s spec.RowTerms, c T, row, chosen []T, withHinges bool) (of termSums[T]) {
	low, high := T(s.Low), T(s.High)
	var sum, count float64
	switch {
	case s.Square:
		sum, count = loops.SquareSums(row, chosen, T(s.K), c, low, high)
	case s.Hinge:
		sum, count = loops.HingeSums(row, chosen, T(s.K), c, low, high)
	default:
		sum, count = loops.TermSums(row, chosen, low, high)
	}
	of.sum, of.count = T(sum), T(count)
	if withHinges {
		hinges, _ := loops.HingeSums(row, chosen, T(s.K), c, T(math.NaN()), T(math.NaN()))
		of.hinges = T(hinges)
	}
	return of
}

func rowTermsGrad[T loops.Float](s spec.RowTermsGrad) func(out []T, in [][]T) {
	return kernelOfRows(s.Rows, s.Cols, newTermsRows[T](s))
}

// termsRows makes rows of RowTermsGrad.
type termsRows[T loops.Float] struct {
	s     spec.RowTermsGrad
	mask  maskRows[T]
	c     T
	x, up []T
}

func newTermsRows[T loops.Float](s spec.RowTermsGrad) rowMaker[T] {
	t := &termsRows[T]{s: s, mask: newMaskRows[T](s.Mask, s.Rows, s.Cols)}
	return rowMaker[T]{t.begin, t.row}
}

func (t *termsRows[T]) begin(x []T, in [][]T) {
	in = t.mask.begin(in)
	t.x, t.c, t.up = x, hingeAt(spec.RowTerms(t.s), in), in[len(in)-1]
}

func (t *termsRows[T]) row(dst []T, r int, scratch []T) {
	n := t.s.Cols
	termsRowGrad(t.s, t.c, dst, t.x[r*n:(r+1)*n], t.mask.row(r, scratch), t.up, r)
}

// termsRowGrad makes row r of RowTermsGrad; c stands for C.
func termsRowGrad[T loops.Float](s spec.RowTermsGrad, c T, dst, x, mask, up []T, r int) {
	chooseTerms(s, c, dst, x, mask, up[r]*termsFactor[T](s))
}

// termsFactor is what the derivatives of terms have in common: 1, K of hinges, 2·K of their squares.
func termsFactor[T loops.Float](s spec.RowTermsGrad) T {
	switch {
	case s.Square:
		return 2 * T(s.K)
	case s.Hinge:
		return T(s.K)
	}
	return 1
}

// chooseTerms sets dst to value, of squares times the hinge, where a term of the row x counts and depends on x, and
// to 0 elsewhere.
func chooseTerms[T loops.Float](s spec.RowTermsGrad, c T, dst, x, mask []T, value T) {
	low, high := T(s.Low), T(s.High)
	if s.Square {
		loops.SquareBetween(dst, x, mask, value, T(s.K), c, low, high)
		return
	}
	if !s.Hinge {
		loops.Between(dst, x, mask, value, low, high)
		return
	}
	if !(low > 0) { // where the hinge is 0, so is its derivative
		low = 0
	}
	loops.HingeBetween(dst, x, mask, value, T(s.K), c, low, high)
}
