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
