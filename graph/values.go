package graph

import (
	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Tensor makes a tensor of type dt, float32 or float64, from row-major values.
func Tensor(values []float64, dt tensor.Dtype, shape ...int) (*tensor.Dense, error) {
	s := tensor.Shape(shape)
	if len(shape) == 0 || checkShape(s) != nil || s.TotalSize() != len(values) {
		return nil, errors.Errorf("graph: %d values do not fill a tensor of shape %v", len(values), s)
	}
	t, err := dense(append([]float64(nil), values...), dt, s)
	return t, errors.Wrap(err, "graph: tensor")
}

// Numbers copies a scalar's or tensor's elements, row-major.
func Numbers(v gorgonia.Value) ([]float64, error) {
	switch v := v.(type) {
	case *gorgonia.F32:
		return []float64{float64(*v)}, nil
	case *gorgonia.F64:
		return []float64{float64(*v)}, nil
	case *tensor.Dense:
		if v.RequiresIterator() || v.DataOrder().IsColMajor() {
			v, _ = v.Materialize().(*tensor.Dense)
		}
		m, err := denseMemory(v)
		if err != nil {
			return nil, errors.Wrap(err, "graph")
		}
		if m.F64 != nil {
			return append([]float64(nil), m.F64...), nil
		}
		out := make([]float64, len(m.F32))
		for i, x := range m.F32 {
			out[i] = float64(x)
		}
		return out, nil
	}
	return nil, errors.Errorf("graph: value of type %T, want a scalar or a dense tensor", v)
}
