package graph

import (
	"math"
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/internal/spec"
)

// Values is a tensor of the given shape with these numbers, row by row, as a part of e's
// graph and of e's type, such as positions or an attention's mask. No gradient flows to it.
func (e Expr) Values(numbers []float64, shape ...int) Expr {
	if e.Err() != nil {
		return e
	}
	if err := checkShape(shape); err != nil {
		return Fail(errors.Wrap(err, "graph: values"))
	}
	n := 1
	for _, d := range shape {
		n *= d
	}
	if len(numbers) != n {
		return Fail(errors.Errorf("graph: %d values do not fill a tensor of shape %v", len(numbers), tensor.Shape(shape)))
	}
	for i, v := range numbers {
		if math.IsNaN(v) {
			return Fail(errors.Errorf("graph: values: number %d is NaN", i))
		}
		if e.Dtype() == tensor.Float32 && !math.IsInf(v, 0) && math.Abs(v) > math.MaxFloat32 {
			return Fail(errors.Errorf("graph: values: number %d is %g, beyond float32", i, v))
		}
	}
	return apply(spec.NewValues(numbers), slices.Clone(shape), nil, e.Detach())
}
