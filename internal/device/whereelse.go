package device

import "medusa/internal/device/cpu"

// WhereElse computes x where the mask is not 0 and y elsewhere, from mask, x and y of N elements.
type WhereElse struct{ N int }

func (s WhereElse) cpu() Kernel { return host(whereElse[float32](s), whereElse[float64](s)) }

func whereElse[T cpu.Float](s WhereElse) func(out []T, in [][]T) {
	var mask, x, y, out []T
	body := func(lo, hi int) {
		m, b, dst := mask[lo:hi], y[lo:hi], out[lo:hi]
		for i, v := range x[lo:hi] {
			if m[i] == 0 {
				v = b[i]
			}
			dst[i] = v
		}
	}
	return func(o []T, in [][]T) {
		mask, x, y, out = in[0], in[1], in[2], o
		forEach(s.N, body)
	}
}
