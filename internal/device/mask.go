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

// Where computes x (Rows, Cols) where the mask is not 0 and Other elsewhere, from x and the
// mask's inputs. What is no matrix is one row, with a mask in memory.
type Where struct {
	Rows, Cols int
	Other      float64
	Mask       Mask
}

func (s Where) cpu() Kernel { return host(where[float32](s), where[float64](s)) }

func where[T cpu.Float](s Where) func(out []T, in [][]T) {
	other := T(s.Other)
	var x, given, out []T
	if s.Mask.InMemory() {
		body := func(lo, hi int) { cpu.Where(out[lo:hi], x[lo:hi], given[lo:hi], other) }
		return func(o []T, in [][]T) {
			x, given, out = in[0], in[1], o
			forEach(s.Rows*s.Cols, body)
		}
	}
	mask := newMaskRows[T](s.Mask, s.Rows, s.Cols)
	rows := newEachRow(s.Rows, s.Cols, s.Cols, func(r int, scratch []T) {
		i, j := r*s.Cols, (r+1)*s.Cols
		cpu.Where(out[i:j], x[i:j], mask.row(r, scratch), other)
	})
	return func(o []T, in [][]T) {
		x, out = in[0], o
		mask.begin(in[1:])
		rows.run()
	}
}
