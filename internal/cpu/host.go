package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/device"
)

// host makes a kernel from the float32 and the float64 form of one generic loop.
func host(f32 func(out []float32, in [][]float32), f64 func(out []float64, in [][]float64)) device.Kernel {
	return checked(
		func(out []float32, in [][]float32) error { f32(out, in); return nil },
		func(out []float64, in [][]float64) error { f64(out, in); return nil })
}

// checked is host for a loop that can fail, such as on a label that is no class.
func checked(f32 func(out []float32, in [][]float32) error, f64 func(out []float64, in [][]float64) error) device.Kernel {
	return &hostKernel{f32: f32, f64: f64}
}

type hostKernel struct {
	f32  func(out []float32, in [][]float32) error
	f64  func(out []float64, in [][]float64) error
	in32 [][]float32
	in64 [][]float64
}

func (k *hostKernel) Run(out device.Memory, in []device.Memory) error {
	if out.F32 != nil {
		k.in32 = k.in32[:0]
		for _, m := range in {
			k.in32 = append(k.in32, m.F32)
		}
		return k.f32(out.F32, k.in32)
	}
	k.in64 = k.in64[:0]
	for _, m := range in {
		k.in64 = append(k.in64, m.F64)
	}
	return k.f64(out.F64, k.in64)
}

// pointGrain is the number of elements that one piece of a pointwise loop handles.
const pointGrain = 1 << 14

// forEach runs body over [0, n) in pieces, in parallel when there is more than one.
func forEach(n int, body func(lo, hi int)) { loops.Parallel(n, pointGrain, body) }

// rowGrain is how many rows of the given width make a piece of about pointGrain elements.
func rowGrain(width int) int { return max(1, pointGrain/max(width, 1)) }
