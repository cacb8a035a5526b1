package onnxgraph

import (
	"math"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/onnx"
	"medusa/internal/weights"
)

// constant is a tensor whose numbers are known while a graph is built: floats, or whole numbers, which truth values
// are too. It may be a scalar, and may be empty.
type constant struct {
	shape  []int
	floats []float64
	ints   []int64 // in place of floats
	whole  bool    // the numbers are ints
}

// maxConstant is how many numbers a constant may have that is made while a graph is built.
const maxConstant = 1 << 24

// sizeOf is the number of elements of a shape.
func sizeOf(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// checkSize returns an error for a shape that a constant cannot have.
func checkSize(shape []int) error {
	n := 1.0
	for _, d := range shape {
		if d < 0 {
			return errors.Errorf("the shape %v has a negative side", shape)
		}
		n *= float64(max(d, 1))
	}
	if n > maxConstant {
		return errors.Errorf("a constant of shape %v has too many numbers", shape)
	}
	return nil
}

func wholes(values []int64, shape ...int) *constant {
	return &constant{shape: shape, ints: values, whole: true}
}

func numbers(values []float64, shape ...int) *constant {
	return &constant{shape: shape, floats: values}
}

// vector is a constant of whole numbers (N).
func vector(values []int) *constant {
	out := make([]int64, len(values))
	for i, v := range values {
		out[i] = int64(v)
	}
	return wholes(out, len(out))
}

func (c *constant) size() int { return sizeOf(c.shape) }

// at is number i, whatever its type.
func (c *constant) at(i int) float64 {
	if c.whole {
		return float64(c.ints[i])
	}
	return c.floats[i]
}

// float64s are all numbers.
func (c *constant) float64s() []float64 {
	if !c.whole {
		return c.floats
	}
	out := make([]float64, len(c.ints))
	for i, v := range c.ints {
		out[i] = float64(v)
	}
	return out
}

// sides are the numbers as sizes or places.
func (c *constant) sides() ([]int, error) {
	if !c.whole {
		return nil, errors.New("fractions where whole numbers are wanted")
	}
	out := make([]int, len(c.ints))
	for i, v := range c.ints {
		out[i] = int(min(max(v, math.MinInt32), math.MaxInt32)) // ONNX says "to the end" by very large numbers
	}
	return out, nil
}

// equal reports whether two constants are the same.
func (c *constant) equal(d *constant) bool {
	return c.whole == d.whole && slices.Equal(c.shape, d.shape) && slices.Equal(c.floats, d.floats) && slices.Equal(c.ints, d.ints)
}

// reshaped are the same numbers in another shape.
func (c *constant) reshaped(shape ...int) *constant {
	return &constant{shape: shape, floats: c.floats, ints: c.ints, whole: c.whole}
}

// picked are the numbers at places.
func (c *constant) picked(places []int, shape ...int) *constant {
	out := &constant{shape: shape, whole: c.whole}
	for _, at := range places {
		if c.whole {
			out.ints = append(out.ints, c.ints[at])
		} else {
			out.floats = append(out.floats, c.floats[at])
		}
	}
	return out
}

// readConstant reads the numbers of a tensor.
func readConstant(t *weights.Tensor) (*constant, error) {
	if err := checkSize(t.Shape); err != nil {
		return nil, err
	}
	if !t.Dtype.Float() && t.Dtype.Width() > 0 {
		v, err := t.Int64s()
		return wholes(v, t.Shape...), err
	}
	v, err := t.Float32s()
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return numbers(out, t.Shape...), nil
}

// tensor is the constant as ONNX has it.
func (c *constant) tensor(name string) onnx.Tensor {
	shape := make([]int64, len(c.shape))
	for i, d := range c.shape {
		shape[i] = int64(d)
	}
	if c.whole {
		return onnx.Ints(name, c.ints, shape...)
	}
	out := make([]float32, len(c.floats))
	for i, v := range c.floats {
		out[i] = float32(v)
	}
	return onnx.Floats(name, out, shape...)
}

// valueOf is the constant that the attributes of a node Constant hold.
func valueOf(n onnx.Node) (*constant, error) {
	for _, a := range n.Attributes {
		switch v := a.Value.(type) {
		case *constant:
			return v, nil
		case *weights.Tensor:
			return readConstant(v)
		case float32:
			return numbers([]float64{float64(v)}), nil
		case int64:
			return wholes([]int64{v}), nil
		case []int64:
			return wholes(v, len(v)), nil
		case []float32:
			out := make([]float64, len(v))
			for i, x := range v {
				out[i] = float64(x)
			}
			return numbers(out, len(out)), nil
		}
	}
	return nil, errors.New("it holds no numbers that can be read (texts and sparse tensors are not)")
}
