package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	register(whereElse[float32], whereElse[float64])
}

func whereElse[T loops.Float](s spec.WhereElse) func(out []T, in [][]T) {
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
