package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/device"
)

// host makes a kernel of one output from the float32 and the float64 form of one generic loop.
func host(f32 func(out []float32, in [][]float32), f64 func(out []float64, in [][]float64)) device.Kernel {
	return checked(
		func(out []float32, in [][]float32) error { f32(out, in); return nil },
		func(out []float64, in [][]float64) error { f64(out, in); return nil })
}

// checked is host for a loop that can fail, such as on a label that is no class.
func checked(f32 func(out []float32, in [][]float32) error, f64 func(out []float64, in [][]float64) error) device.Kernel {
	return &hostKernel{
		f32: func(t *tensors[float32]) error { return f32(t.out[0], t.in) },
		f64: func(t *tensors[float64]) error { return f64(t.out[0], t.in) }}
}

// several is host for a loop that is given all outputs. Those that nobody reads are nil.
func several(f32 func(out, in [][]float32), f64 func(out, in [][]float64)) device.Kernel {
	return onTensors(
		func(t *tensors[float32]) { f32(t.out, t.in) },
		func(t *tensors[float64]) { f64(t.out, t.in) })
}

// onTensors is host for a loop that works on places, too.
func onTensors(f32 func(*tensors[float32]), f64 func(*tensors[float64])) device.Kernel {
	return &hostKernel{
		f32: func(t *tensors[float32]) error { f32(t); return nil },
		f64: func(t *tensors[float64]) error { f64(t); return nil }}
}

// tensors are what a loop works on. What is places is nil among the numbers, and the other way round; an output that
// nobody reads is nil in both.
type tensors[T loops.Float] struct {
	out, in             [][]T
	outPlaces, inPlaces [][]int32
	fixed               []*device.Fixed // of the inputs; nil where the numbers may change
}

// ready returns what is kept of input i, weights that do not change; nil where they may. It is one thing for all that read
// the weights by the same key.
func (t *tensors[T]) ready(i int, key any) *loops.Ready[T] {
	if t.fixed[i] == nil {
		return nil
	}
	return t.fixed[i].Form(key, func() any { return new(loops.Ready[T]) }).(*loops.Ready[T])
}

type hostKernel struct {
	f32 func(*tensors[float32]) error
	f64 func(*tensors[float64]) error
	t32 tensors[float32]
	t64 tensors[float64]
}

func (k *hostKernel) Run(out, in []device.Memory) error {
	if out[0].F32 != nil {
		k.t32.take(out, in, func(m device.Memory) []float32 { return m.F32 })
		return k.f32(&k.t32)
	}
	k.t64.take(out, in, func(m device.Memory) []float64 { return m.F64 })
	return k.f64(&k.t64)
}

func (t *tensors[T]) take(out, in []device.Memory, numbers func(device.Memory) []T) {
	t.out, t.outPlaces, t.in, t.inPlaces, t.fixed = t.out[:0], t.outPlaces[:0], t.in[:0], t.inPlaces[:0], t.fixed[:0]
	for _, m := range out {
		t.out, t.outPlaces = append(t.out, numbers(m)), append(t.outPlaces, m.I32)
	}
	for _, m := range in {
		t.in, t.inPlaces, t.fixed = append(t.in, numbers(m)), append(t.inPlaces, m.I32), append(t.fixed, m.Fixed)
	}
}

// putAt writes number i of an output that somebody reads.
func putAt[T loops.Float](out []T, i int, v T) {
	if out != nil {
		out[i] = v
	}
}

// pointGrain is the number of elements that one piece of a pointwise loop handles.
const pointGrain = 1 << 14

// forEach runs body over [0, n) in pieces, in parallel when there is more than one.
func forEach(n int, body func(lo, hi int)) { loops.Parallel(n, pointGrain, body) }

// rowGrain is how many rows of the given width make a piece of about pointGrain elements.
func rowGrain(width int) int { return max(1, pointGrain/max(width, 1)) }
