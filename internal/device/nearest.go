package device

import (
	"slices"

	"medusa/internal/device/cpu"
)

// RowNearest marks, in each row of x (Rows, Cols), the K smallest entries where mask is
// not 0, and all that equal the K-th, with 1; all where there are no more than K. A NaN
// comes before every number: it must not be passed over.
type RowNearest struct{ Rows, Cols, K int }

func (s RowNearest) cpu() Kernel { return host(rowNearest[float32](s), rowNearest[float64](s)) }

func rowNearest[T cpu.Float](s RowNearest) func(out []T, in [][]T) {
	order := make([]T, 0, s.Cols)
	return func(out []T, in [][]T) {
		for r := range s.Rows {
			x, mask := in[0][r*s.Cols:(r+1)*s.Cols], in[1][r*s.Cols:(r+1)*s.Cols]
			order = order[:0]
			for i, v := range x {
				if mask[i] != 0 {
					order = append(order, v)
				}
			}
			slices.Sort(order)
			for i, v := range x {
				near := mask[i] != 0 && (len(order) <= s.K || v != v || v <= order[s.K-1])
				out[r*s.Cols+i] = indicator[T](near)
			}
		}
	}
}
