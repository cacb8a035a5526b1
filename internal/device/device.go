// Package device says what an op of package graph computes (a spec: a plain struct of
// sizes and parameters) and who computes it (a Device, which makes a Kernel from a
// spec). Specs and the kernels of the CPU stand side by side, one idea a file; the
// loops themselves are in package cpu, over slices.
package device

import (
	"fmt"

	"github.com/pkg/errors"

	"medusa/internal/device/cpu"
)

// Memory is what a kernel sees of a tensor: contiguous row-major elements of one type.
// Exactly one of the slices and Remote is set. Shapes are part of the spec.
type Memory struct {
	F32    []float32
	F64    []float64
	Remote Remote
	On     Accelerator // whose memory Remote is
}

// Kernel is one computation, ready to run again and again: it owns its scratch memory
// and allocates none after the first run. Run overwrites out and reads in; out never
// overlaps with an input. A kernel is run by one goroutine at a time.
type Kernel interface {
	Run(out Memory, in []Memory) error
}

// Device makes kernels for specs.
type Device interface {
	Name() string
	// Kernel returns an error that names the device and the spec if the device has no
	// kernel for it.
	Kernel(spec any) (Kernel, error)
}

// CPU is the device of host memory.
var CPU Device = cpuDevice{}

type cpuDevice struct{}

func (cpuDevice) Name() string { return "cpu" }

func (cpuDevice) Kernel(spec any) (Kernel, error) {
	s, ok := spec.(interface{ cpu() Kernel })
	if !ok {
		return nil, errors.Errorf("device: cpu has no kernel for %s", Describe(spec))
	}
	return s.cpu(), nil
}

// Describe names a spec with all its parameters; specs that compute different things
// have different descriptions.
func Describe(spec any) string {
	if s, ok := spec.(fmt.Stringer); ok {
		return s.String()
	}
	return fmt.Sprintf("%T%+v", spec, spec)
}

// host makes a kernel from the float32 and the float64 form of one generic loop.
func host(f32 func(out []float32, in [][]float32), f64 func(out []float64, in [][]float64)) Kernel {
	return checked(
		func(out []float32, in [][]float32) error { f32(out, in); return nil },
		func(out []float64, in [][]float64) error { f64(out, in); return nil })
}

// checked is host for a loop that can fail, such as on a label that is no class.
func checked(f32 func(out []float32, in [][]float32) error, f64 func(out []float64, in [][]float64) error) Kernel {
	return &hostKernel{f32: f32, f64: f64}
}

type hostKernel struct {
	f32  func(out []float32, in [][]float32) error
	f64  func(out []float64, in [][]float64) error
	in32 [][]float32
	in64 [][]float64
}

func (k *hostKernel) Run(out Memory, in []Memory) error {
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
func forEach(n int, body func(lo, hi int)) { cpu.Parallel(n, pointGrain, body) }

// rowGrain is how many rows of the given width make a piece of about pointGrain elements.
func rowGrain(width int) int { return max(1, pointGrain/max(width, 1)) }
