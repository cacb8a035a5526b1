package device

import "medusa/internal/device/cpu"

// Iota computes 0, 1, …, N−1. Its input only says the element type.
type Iota struct{ N int }

func (s Iota) cpu() Kernel { return host(iota_[float32], iota_[float64]) }

func iota_[T cpu.Float](out []T, _ [][]T) {
	for i := range out {
		out[i] = T(i)
	}
}

// Constant computes N times Value. Its input only says the element type.
type Constant struct {
	N     int
	Value float64
}

func (s Constant) cpu() Kernel { return host(constant[float32](s), constant[float64](s)) }

func constant[T cpu.Float](s Constant) func(out []T, _ [][]T) {
	v := T(s.Value)
	return func(out []T, _ [][]T) {
		for i := range out {
			out[i] = v
		}
	}
}

// Where computes x where mask is not 0 and Other elsewhere, from x and mask.
type Where struct {
	N     int
	Other float64
}

func (s Where) cpu() Kernel { return host(where[float32](s), where[float64](s)) }

func where[T cpu.Float](s Where) func(out []T, in [][]T) {
	other := T(s.Other)
	var x, mask, out []T
	body := func(lo, hi int) { cpu.Where(out[lo:hi], x[lo:hi], mask[lo:hi], other) }
	return func(o []T, in [][]T) {
		x, mask, out = in[0], in[1], o
		forEach(s.N, body)
	}
}

// PairMask computes of N labels the mask (N, N) of the pairs i ≠ j of one label or, if
// Negative, of the pairs of two labels: 1 for a pair, 0 for none.
type PairMask struct {
	N        int
	Negative bool
}

func (s PairMask) cpu() Kernel { return host(pairMask[float32](s), pairMask[float64](s)) }

func pairMask[T cpu.Float](s PairMask) func(out []T, in [][]T) {
	var labels, out []T
	body := func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := out[i*s.N : (i+1)*s.N]
			cpu.Equals(row, labels, labels[i])
			if s.Negative {
				cpu.Affine(row, row, -1, 1)
				continue
			}
			row[i] = 0
		}
	}
	return func(o []T, in [][]T) {
		labels, out = in[0], o
		cpu.Parallel(s.N, rowGrain(s.N), body)
	}
}

// RowTerms computes, of each row of x (Rows, Cols) where mask is not 0, the sum of the
// terms t with Low < t < High and their number, (Rows, 2). A bound that is NaN is none. A
// term that is NaN counts, so that the sum tells of it.
type RowTerms struct {
	Rows, Cols int
	Low, High  float64
}

func (s RowTerms) cpu() Kernel { return host(rowTerms[float32](s), rowTerms[float64](s)) }

func rowTerms[T cpu.Float](s RowTerms) func(out []T, in [][]T) {
	low, high := T(s.Low), T(s.High)
	var x, mask, out []T
	body := func(lo, hi int) {
		for r := lo; r < hi; r++ {
			sum, count := cpu.TermSums(x[r*s.Cols:(r+1)*s.Cols], mask[r*s.Cols:(r+1)*s.Cols], low, high)
			out[2*r], out[2*r+1] = T(sum), T(count)
		}
	}
	return func(o []T, in [][]T) {
		x, mask, out = in[0], in[1], o
		cpu.Parallel(s.Rows, rowGrain(s.Cols), body)
	}
}

// RowTermsGrad computes the gradient to x from x, mask and the gradient to the result of
// RowTerms, of which the sums count.
type RowTermsGrad RowTerms

func (s RowTermsGrad) cpu() Kernel { return host(rowTermsGrad[float32](s), rowTermsGrad[float64](s)) }

func rowTermsGrad[T cpu.Float](s RowTermsGrad) func(out []T, in [][]T) {
	low, high := T(s.Low), T(s.High)
	var x, mask, up, out []T
	body := func(lo, hi int) {
		for r := lo; r < hi; r++ {
			row := r * s.Cols
			cpu.Between(out[row:row+s.Cols], x[row:row+s.Cols], mask[row:row+s.Cols], up[2*r], low, high)
		}
	}
	return func(o []T, in [][]T) {
		x, mask, up, out = in[0], in[1], in[2], o
		cpu.Parallel(s.Rows, rowGrain(s.Cols), body)
	}
}
