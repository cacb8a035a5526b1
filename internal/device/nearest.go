package device

import (
	"math"
	"slices"

	"medusa/internal/device/cpu"
)

// RowKth computes the K-th smallest of each row of x (Rows, Cols) where the mask is not 0, to
// (Rows): that a number be at most so large chooses the K smallest and all that equal the K-th.
// In a row with no more than K it is ∞. A NaN comes before every number; where it is the K-th,
// −∞ stands for it, which no number is at most.
type RowKth struct {
	Rows, Cols, K int
	Mask          Mask
}

func (s RowKth) cpu() Kernel { return host(rowKth[float32](s), rowKth[float64](s)) }

func rowKth[T cpu.Float](s RowKth) func(out []T, in [][]T) {
	var x, out []T
	mask := newMaskRows[T](s.Mask, s.Rows, s.Cols)
	rows := newEachRow(s.Rows, s.Cols, 2*s.Cols, func(r int, scratch []T) {
		row, chosen := x[r*s.Cols:(r+1)*s.Cols], mask.row(r, scratch)
		order := scratch[s.Cols:s.Cols]
		for i, v := range row {
			if chosen[i] != 0 {
				order = append(order, v)
			}
		}
		out[r] = T(math.Inf(1))
		if len(order) > s.K {
			slices.Sort(order)
			out[r] = order[s.K-1]
		}
		if out[r] != out[r] {
			out[r] = T(math.Inf(-1))
		}
	})
	return func(o []T, in [][]T) {
		x, out = in[0], o
		mask.begin(in[1:])
		rows.run()
	}
}
