package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/device"
	"medusa/internal/spec"
)

func init() {
	registerKernel(func(s spec.Keep) device.Kernel {
		return host(
			keep(s, func() []float32 { s.Into.F32 = make([]float32, s.N); return s.Into.F32 }),
			keep(s, func() []float64 { s.Into.F64 = make([]float64, s.N); return s.Into.F64 }))
	})
}

func keep[T loops.Float](s spec.Keep, alloc func() []T) func(out []T, in [][]T) {
	var into []T
	return func(out []T, in [][]T) {
		if into == nil {
			into = alloc()
		}
		copy(into, in[0])
		out[0] = 0
	}
}
