package machine

import (
	"unsafe"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/internal/device"
)

// value is what a node is in a run.
type value struct {
	shape tensor.Shape
	*memory
}

// memory is where a value stands, together with the values that are the same numbers in another shape:
// on the host, on the device, or on both if steps of both read it.
type memory struct {
	n      int
	dt     tensor.Dtype
	host   *device.Memory // nil: not there
	remote *device.Memory
	input  *input       // whose it is; nil if a step makes it
	made   *foreignStep // that makes it, of an op that is run as it is
	slots  []*slot      // that are given back after the last reader
	last   int          // the last of the graph's steps that reads it
	pinned bool         // it is not given back
}

// memoryOf is the elements of a contiguous tensor or scalar of the host, of n numbers. A view is
// copied.
func memoryOf(v gorgonia.Value, n int) (device.Memory, error) {
	switch v := v.(type) {
	case *gorgonia.F32:
		return device.Memory{F32: unsafe.Slice((*float32)(v), 1)}, checkSize(v, 1, n)
	case *gorgonia.F64:
		return device.Memory{F64: unsafe.Slice((*float64)(v), 1)}, checkSize(v, 1, n)
	case *tensor.Dense:
		if err := checkSize(v, v.Shape().TotalSize(), n); err != nil {
			return device.Memory{}, err
		}
		if v.RequiresIterator() || v.DataOrder().IsColMajor() {
			m, ok := v.Materialize().(*tensor.Dense)
			if !ok || m.DataOrder().IsColMajor() {
				return device.Memory{}, errors.Errorf("a view of shape %v that cannot be made contiguous", v.Shape())
			}
			v = m
		}
		switch v.Dtype() {
		case tensor.Float32:
			return device.Memory{F32: v.Float32s()[:n]}, nil
		case tensor.Float64:
			return device.Memory{F64: v.Float64s()[:n]}, nil
		}
		return device.Memory{}, errors.Errorf("elements of type %v, want float32 or float64", v.Dtype())
	}
	return device.Memory{}, errors.Errorf("value of type %T, want a dense tensor or a scalar", v)
}

func checkSize(v gorgonia.Value, n, want int) error {
	if n != want {
		return errors.Errorf("shape is %v, of %d numbers, the graph was built for %d", v.Shape(), n, want)
	}
	return nil
}

// valueOf is memory of the host as a value of Gorgonia's.
func valueOf(m device.Memory, shape tensor.Shape) gorgonia.Value {
	switch {
	case m.I32 != nil:
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(m.I32))
	case shape.Dims() > 0 && m.F64 != nil:
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(m.F64))
	case shape.Dims() > 0:
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(m.F32))
	case m.F64 != nil:
		return gorgonia.NewF64(m.F64[0])
	}
	return gorgonia.NewF32(m.F32[0])
}
