package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	registerSeveral(rowTerms[float32], rowTerms[float64])
	register(rowTermsGrad[float32], rowTermsGrad[float64])
}

func rowTerms[T loops.Float](s spec.RowTerms) func(out, in [][]T) {
	var x, sums, counts []T
	mask := newMaskRows[T](s.Mask, s.Rows, s.Cols)
	positives := positivesOf[T](s.Mask, s.Rows)
	rows := newEachRow(s.Rows, s.Cols, s.Cols, func(r int, scratch []T) {
		row, chosen := chosenOf(&mask, positives, x[r*s.Cols:(r+1)*s.Cols], r, scratch)
		sum, count := termsOf(s, row, chosen)
		sums[r] = sum
		putAt(counts, r, count)
	})
	return func(out, in [][]T) {
		x, sums, counts = in[0], out[0], out[1]
		mask.begin(in[1:])
		if positives != nil {
			positives.list(in[1])
		}
		rows.run()
	}
}

// termsOf is the sum of the terms of a row, and their number.
func termsOf[T loops.Float](s spec.RowTerms, row, chosen []T) (sum, count T) {
	low, high := T(s.Low), T(s.High)
	var total, number float64
	if s.Hinge {
		total, number = loops.HingeSums(row, chosen, T(s.K), T(s.C), low, high)
	} else {
		total, number = loops.TermSums(row, chosen, low, high)
	}
	return T(total), T(number)
}

func rowTermsGrad[T loops.Float](s spec.RowTermsGrad) func(out []T, in [][]T) {
	return kernelOfRows(s.Rows, s.Cols, newTermsRows[T](s))
}

// termsRows makes rows of RowTermsGrad.
type termsRows[T loops.Float] struct {
	s     spec.RowTermsGrad
	mask  maskRows[T]
	x, up []T
}

func newTermsRows[T loops.Float](s spec.RowTermsGrad) rowMaker[T] {
	t := &termsRows[T]{s: s, mask: newMaskRows[T](s.Mask, s.Rows, s.Cols)}
	return rowMaker[T]{t.begin, t.row}
}

func (t *termsRows[T]) begin(x []T, in [][]T) { t.x, t.up = x, t.mask.begin(in)[0] }

func (t *termsRows[T]) row(dst []T, r int, scratch []T) {
	n := t.s.Cols
	termsRowGrad(t.s, dst, t.x[r*n:(r+1)*n], t.mask.row(r, scratch), t.up, r)
}

// termsRowGrad makes row r of RowTermsGrad.
func termsRowGrad[T loops.Float](s spec.RowTermsGrad, dst, x, mask, up []T, r int) {
	value := up[r]
	if s.Hinge {
		value *= T(s.K)
	}
	chooseTerms(s, dst, x, mask, value)
}

// chooseTerms sets dst to value where a term of the row x counts and depends on x, and to
// 0 elsewhere.
func chooseTerms[T loops.Float](s spec.RowTermsGrad, dst, x, mask []T, value T) {
	low, high := T(s.Low), T(s.High)
	if !s.Hinge {
		loops.Between(dst, x, mask, value, low, high)
		return
	}
	if !(low > 0) { // where the hinge is 0, so is its derivative
		low = 0
	}
	loops.HingeBetween(dst, x, mask, value, T(s.K), T(s.C), low, high)
}
