package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/device"
	"medusa/internal/spec"
)

func init() {
	registerKernel(func(s spec.Iota) device.Kernel { return host(iota_[float32], iota_[float64]) })
	register(constant[float32], constant[float64])
	register(where[float32], where[float64])
}

func iota_[T loops.Float](out []T, _ [][]T) {
	for i := range out {
		out[i] = T(i)
	}
}

func constant[T loops.Float](s spec.Constant) func(out []T, _ [][]T) {
	v := T(s.Value)
	return func(out []T, _ [][]T) {
		for i := range out {
			out[i] = v
		}
	}
}

func where[T loops.Float](s spec.Where) func(out []T, in [][]T) {
	other := T(s.Other)
	var x, given, out []T
	if s.Mask.InMemory() {
		body := func(lo, hi int) { loops.Where(out[lo:hi], x[lo:hi], given[lo:hi], other) }
		return func(o []T, in [][]T) {
			x, given, out = in[0], in[1], o
			forEach(s.Rows*s.Cols, body)
		}
	}
	mask := newMaskRows[T](s.Mask, s.Rows, s.Cols)
	rows := newEachRow(s.Rows, s.Cols, s.Cols, func(r int, scratch []T) {
		i, j := r*s.Cols, (r+1)*s.Cols
		loops.Where(out[i:j], x[i:j], mask.row(r, scratch), other)
	})
	return func(o []T, in [][]T) {
		x, out = in[0], o
		mask.begin(in[1:])
		rows.run()
	}
}
