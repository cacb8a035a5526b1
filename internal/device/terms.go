package device

import "medusa/internal/device/cpu"

// RowTerms computes, of each row of x (Rows, Cols) where the mask is not 0, the
// sum of the terms t with Low < t < High and their number, (Rows, 2). The terms are x
// itself or, with Hinge, max(0, K·x + C). A bound that is NaN is none. A term that is NaN
// counts, so that the sum tells of it.
type RowTerms struct {
	Rows, Cols int
	Low, High  float64
	Mask       Mask
	Hinge      bool
	K, C       float64
}

func (s RowTerms) cpu() Kernel { return host(rowTerms[float32](s), rowTerms[float64](s)) }

func rowTerms[T cpu.Float](s RowTerms) func(out []T, in [][]T) {
	var x, out []T
	mask := newMaskRows[T](s.Mask, s.Rows, s.Cols)
	positives := positivesOf[T](s.Mask, s.Rows)
	rows := newEachRow(s.Rows, s.Cols, s.Cols, func(r int, scratch []T) {
		row, chosen := chosenOf(&mask, positives, x[r*s.Cols:(r+1)*s.Cols], r, scratch)
		addTerms(s, out[2*r:2*r+2], row, chosen)
	})
	return func(o []T, in [][]T) {
		x, out = in[0], o
		mask.begin(in[1:])
		if positives != nil {
			positives.list(in[1])
		}
		rows.run()
	}
}

// addTerms writes the sum of the terms of a row, and their number, to res.
func addTerms[T cpu.Float](s RowTerms, res, row, chosen []T) {
	low, high := T(s.Low), T(s.High)
	var sum, count float64
	if s.Hinge {
		sum, count = cpu.HingeSums(row, chosen, T(s.K), T(s.C), low, high)
	} else {
		sum, count = cpu.TermSums(row, chosen, low, high)
	}
	res[0], res[1] = T(sum), T(count)
}

// RowTermsGrad computes the gradient to x from x, mask and the gradient to the result of
// RowTerms, of which the sums count.
type RowTermsGrad RowTerms

func (s RowTermsGrad) cpu() Kernel { return host(rowTermsGrad[float32](s), rowTermsGrad[float64](s)) }

func rowTermsGrad[T cpu.Float](s RowTermsGrad) func(out []T, in [][]T) {
	return kernelOfRows(s.Rows, s.Cols, newTermsRows[T](s))
}

// termsRows makes rows of RowTermsGrad.
type termsRows[T cpu.Float] struct {
	s     RowTermsGrad
	mask  maskRows[T]
	x, up []T
}

func newTermsRows[T cpu.Float](s RowTermsGrad) rowMaker[T] {
	t := &termsRows[T]{s: s, mask: newMaskRows[T](s.Mask, s.Rows, s.Cols)}
	return rowMaker[T]{t.begin, t.row}
}

func (t *termsRows[T]) begin(x []T, in [][]T) { t.x, t.up = x, t.mask.begin(in)[0] }

func (t *termsRows[T]) row(dst []T, r int, scratch []T) {
	n := t.s.Cols
	termsRowGrad(t.s, dst, t.x[r*n:(r+1)*n], t.mask.row(r, scratch), t.up, r)
}

// termsRowGrad makes row r of RowTermsGrad.
func termsRowGrad[T cpu.Float](s RowTermsGrad, dst, x, mask, up []T, r int) {
	value := up[2*r]
	if s.Hinge {
		value *= T(s.K)
	}
	chooseTerms(s, dst, x, mask, value)
}

// chooseTerms sets dst to value where a term of the row x counts and depends on x, and to
// 0 elsewhere.
func chooseTerms[T cpu.Float](s RowTermsGrad, dst, x, mask []T, value T) {
	low, high := T(s.Low), T(s.High)
	if !s.Hinge {
		cpu.Between(dst, x, mask, value, low, high)
		return
	}
	if !(low > 0) { // where the hinge is 0, so is its derivative
		low = 0
	}
	cpu.HingeBetween(dst, x, mask, value, T(s.K), T(s.C), low, high)
}
