package device

import (
	"math"

	"medusa/internal/device/cpu"
)

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
	rows := newEachRow(s.Rows, s.Cols, s.Cols, func(r int, scratch []T) {
		chosen := maskRow(s.Pairs, mask, r, s.Cols, scratch)
		row := x[r*s.Cols : (r+1)*s.Cols]
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
		rows.run()
	}
}

// RowTermsGrad computes the gradient to x from x, mask and the gradient to the result of
// RowTerms, of which the sums count.
type RowTermsGrad RowTerms

func (s RowTermsGrad) cpu() Kernel { return host(rowTermsGrad[float32](s), rowTermsGrad[float64](s)) }

func rowTermsGrad[T cpu.Float](s RowTermsGrad) func(out []T, in [][]T) {
	low, high, k, c := T(s.Low), T(s.High), T(s.K), T(s.C)
	if s.Hinge {
		low = max(low, 0) // where the hinge is 0, so is its derivative
	}
	var x, mask, up, out []T
	rows := newEachRow(s.Rows, s.Cols, s.Cols, func(r int, scratch []T) {
		i, j := r*s.Cols, (r+1)*s.Cols
		chosen := maskRow(s.Pairs, mask, r, s.Cols, scratch)
		if s.Hinge {
			cpu.HingeBetween(out[i:j], x[i:j], chosen, k*up[2*r], k, c, low, high)
			return
		}
		cpu.Between(out[i:j], x[i:j], chosen, up[2*r], low, high)
	})
	return func(o []T, in [][]T) {
		x, mask, up, out = in[0], in[1], in[2], o
		rows.run()
	}
}

// scaledLogSumExp is ln Σ e^{k·x} over the entries of a row where mask is not 0; ok is
// false if they are none, or not all finite.
func scaledLogSumExp[T cpu.Float](x, mask []T, k T, part []T) (y T, ok bool) {
	m, finite := cpu.Extreme(x, mask, k > 0)
	if !finite || math.IsInf(float64(m), 0) {
		return 0, false
	}
	cpu.ExpWhere(part, x, mask, k, k*m)
	return T(float64(k*m) + math.Log(cpu.Sum(part))), true
}
