package device

import "medusa/internal/device/cpu"

// Column takes one column of x (Rows, Cols), to (Rows, 1).
type Column struct{ Rows, Cols, Col int }

func (s Column) cpu() Kernel { return host(column[float32](s), column[float64](s)) }

func column[T cpu.Float](s Column) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		for r := range out {
			out[r] = in[0][r*s.Cols+s.Col]
		}
	}
}

// ColumnGrad puts dy (Rows, 1) into one column of zeros (Rows, Cols).
type ColumnGrad Column

func (s ColumnGrad) cpu() Kernel { return host(columnGrad[float32](s), columnGrad[float64](s)) }

func columnGrad[T cpu.Float](s ColumnGrad) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		clear(out)
		for r, v := range in[0] {
			out[r*s.Cols+s.Col] = v
		}
	}
}
