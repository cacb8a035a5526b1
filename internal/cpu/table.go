// Package cpu computes specs on the host: a kernel for each, in the file that has the spec's name in package spec. What
// they are made of, loops over slices with assembly behind them, is package loops.
package cpu

import (
	"reflect"

	"github.com/pkg/errors"

	"medusa/internal/device"
	"medusa/internal/spec"
)

// Device is the device of host memory.
var Device device.Device = hostMemory{}

type hostMemory struct{}

func (hostMemory) Name() string { return "cpu" }

func (hostMemory) Kernel(of any) (device.Kernel, error) {
	kernel := kernels[reflect.TypeOf(of)]
	if kernel == nil {
		return nil, errors.Errorf("cpu: no kernel for %s", spec.Describe(of))
	}
	return kernel(of), nil
}

// Specs are the types that have a kernel.
func Specs() []reflect.Type {
	var types []reflect.Type
	for t := range kernels {
		types = append(types, t)
	}
	return types
}

// kernels has for the type of each spec what makes its kernel. Each file of the package adds the specs that it computes.
var kernels = map[reflect.Type]func(of any) device.Kernel{}

// registerKernel adds a spec.
func registerKernel[S any](kernel func(s S) device.Kernel) {
	t := reflect.TypeFor[S]()
	if kernels[t] != nil {
		panic("cpu: two kernels for " + t.String())
	}
	kernels[t] = func(of any) device.Kernel { return kernel(of.(S)) }
}

// register adds a spec whose kernel is a loop, in float32 and in float64.
func register[S any](f32 func(s S) func(out []float32, in [][]float32), f64 func(s S) func(out []float64, in [][]float64)) {
	registerKernel(func(s S) device.Kernel { return host(f32(s), f64(s)) })
}

// registerSeveral adds a spec whose loop is given all outputs, of which those that nobody reads are nil.
func registerSeveral[S any](f32 func(s S) func(out, in [][]float32), f64 func(s S) func(out, in [][]float64)) {
	registerKernel(func(s S) device.Kernel { return several(f32(s), f64(s)) })
}

// registerPlaces adds a spec whose loop works on places, too, or keeps what it makes of inputs that are fixed.
func registerPlaces[S any](f32 func(s S) func(*tensors[float32]), f64 func(s S) func(*tensors[float64])) {
	registerKernel(func(s S) device.Kernel { return onTensors(f32(s), f64(s)) })
}

// registerChecked adds a spec whose loop can fail, such as on a label that is no class.
func registerChecked[S any](f32 func(s S) func(out []float32, in [][]float32) error, f64 func(s S) func(out []float64, in [][]float64) error) {
	registerKernel(func(s S) device.Kernel { return checked(f32(s), f64(s)) })
}
