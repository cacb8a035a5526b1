// Package device says who computes: a Device makes a Kernel of a spec (package spec), which runs on Memory. The host is
// one (package cpu), a GPU another (package gpu), with memory of its own.
package device

// Memory is what a kernel sees of a tensor: contiguous row-major elements of one type.
// Exactly one of the slices and Remote is set. Shapes are part of the spec.
type Memory struct {
	F32    []float32
	F64    []float64
	I32    []int32 // places; Remote memory of them has as many bytes
	Remote Remote
	On     Accelerator // whose memory Remote is
	Fixed  *Fixed      // of numbers that do not change; else nil
}

// Kernel is one computation, ready to run again and again: it owns its scratch memory
// and allocates none after the first run. Run overwrites the outputs, the first and those that
// the spec tells of (spec.OutputsOf), and reads in; outputs overlap with nothing. An output that nobody
// reads, never the first, is the zero Memory and need not be computed. A kernel is run by one goroutine at a time.
type Kernel interface {
	Run(out, in []Memory) error
}

// Device makes kernels for specs.
type Device interface {
	Name() string
	// Kernel returns an error that names the device and the spec if the device has no
	// kernel for it.
	Kernel(spec any) (Kernel, error)
}
