package device

import "medusa/internal/device/cpu"

// RowTerms computes, of each row of x (Rows, Cols) where the mask of Pairs is not 0, the
// sum of the terms t with Low < t < High and their number, (Rows, 2). The terms are x
// itself or, with Hinge, max(0, K·x + C). A bound that is NaN is none. A term that is NaN
// counts, so that the sum tells of it.
type RowTerms struct {
	Rows, Cols int
	Low, High  float64
	Pairs      Pairs
	Hinge      bool
	K, C       float64
}

func (s RowTerms) cpu() Kernel { return host(rowTerms[float32](s), rowTerms[float64](s)) }

func rowTerms[T cpu.Float](s RowTerms) func(out []T, in [][]T) {
	low, high, k, c := T(s.Low), T(s.High), T(s.K), T(s.C)
	var x, mask, out []T
	positives := positivesOf[T](s.Pairs, s.Rows)
	rows := newEachRow(s.Rows, s.Cols, s.Cols, func(r int, scratch []T) {
		row, chosen := chosenOf(s.Pairs, positives, mask, x[r*s.Cols:(r+1)*s.Cols], r, scratch)
		var sum, count float64
		if s.Hinge {
			sum, count = cpu.HingeSums(row, chosen, k, c, low, high)
		} else {
			sum, count = cpu.TermSums(row, chosen, low, high)
		}
		out[2*r], out[2*r+1] = T(sum), T(count)
	})
	return func(o []T, in [][]T) {
		x, mask, out = in[0], in[1], o
		if positives != nil {
			positives.list(mask)
		}
		rows.run()
	}
}

// RowTermsGrad computes the gradient to x from x, mask and the gradient to the result of
// RowTerms, of which the sums count.
type RowTermsGrad RowTerms

func (s RowTermsGrad) cpu() Kernel { return host(rowTermsGrad[float32](s), rowTermsGrad[float64](s)) }

func rowTermsGrad[T cpu.Float](s RowTermsGrad) func(out []T, in [][]T) {
	k := T(1)
	if s.Hinge {
		k = T(s.K)
	}
	var x, mask, up, out []T
	rows := newEachRow(s.Rows, s.Cols, s.Cols, func(r int, scratch []T) {
		i, j := r*s.Cols, (r+1)*s.Cols
		chooseTerms(s, out[i:j], x[i:j], maskRow(s.Pairs, mask, r, s.Cols, scratch), k*up[2*r])
	})
	return func(o []T, in [][]T) {
		x, mask, up, out = in[0], in[1], in[2], o
		rows.run()
	}
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
