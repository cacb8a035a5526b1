package graph

import (
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/internal/spec"
)

// SumTo adds x up over every axis where shape is 1 and x's shape is not; shape has x's
// rank, or none for the sum of all.
func (e Expr) SumTo(shape tensor.Shape) Expr {
	if e.Err() != nil || slices.Equal(e.Shape(), shape) {
		return e
	}
	from := e.Shape()
	if shape.Dims() > 0 && !stretchesTo(shape, from) {
		return Fail(errors.Errorf("graph: cannot add shape %v up to %v", from, shape))
	}
	return apply(spec.SumTo{From: from.Clone(), To: shape.Clone()}, shape,
		func(in []Expr, _, g Expr, _ []bool) []Expr {
			return []Expr{g.BroadcastTo(in[0].Shape())}
		}, e)
}

// BroadcastTo stretches x, a scalar or of shape's rank, where its side is 1.
func (e Expr) BroadcastTo(shape tensor.Shape) Expr {
	if e.Err() != nil || slices.Equal(e.Shape(), shape) {
		return e
	}
	from := e.Shape()
	if from.Dims() > 0 && !stretchesTo(from, shape) {
		return Fail(errors.Errorf("graph: cannot stretch shape %v to %v", from, shape))
	}
	return apply(spec.Broadcast{From: from.Clone(), To: shape.Clone()}, shape,
		func(in []Expr, _, g Expr, _ []bool) []Expr {
			return []Expr{g.SumTo(in[0].Shape())}
		}, e)
}

func stretchesTo(small, big tensor.Shape) bool {
	if small.Dims() != big.Dims() {
		return false
	}
	for i, n := range small {
		if n != big[i] && n != 1 {
			return false
		}
	}
	return true
}

// Sum is the sum of all elements, a scalar.
func (e Expr) Sum() Expr { return e.SumTo(tensor.Shape{}) }

// Mean is the mean of all elements, a scalar; an empty tensor is an error.
func (e Expr) Mean() Expr {
	n := e.Shape().TotalSize()
	if e.Err() == nil && n == 0 {
		return Fail(errors.New("graph: mean of no elements"))
	}
	return e.Sum().Scale(1 / float64(n))
}

// SumAxis adds x up over one axis, which stays with length 1.
func (e Expr) SumAxis(axis int) Expr {
	if e.Err() != nil {
		return e
	}
	shape := e.Shape().Clone()
	if axis < 0 || axis >= len(shape) {
		return Fail(errors.Errorf("graph: shape %v has no axis %d", shape, axis))
	}
	shape[axis] = 1
	return e.SumTo(shape)
}

// Reshape gives the same elements, in the same order, another shape.
func (e Expr) Reshape(shape ...int) Expr {
	if e.Err() != nil || slices.Equal(e.Shape(), shape) {
		return e
	}
	to := tensor.Shape(shape)
	n := e.Shape().TotalSize()
	if to.TotalSize() != n {
		return Fail(errors.Errorf("graph: cannot reshape %v (%d elements) to %v (%d)", e.Shape(), n, to, to.TotalSize()))
	}
	// A copy: were the memory shared, an addition that Gorgonia does in place on one
	// would change the other (gorgonia #576).
	return apply(spec.Copy{N: n}, to, func(in []Expr, _, g Expr, _ []bool) []Expr {
		return []Expr{g.Reshape(in[0].Shape()...)}
	}, e)
}

// T is the transpose of a matrix.
func (e Expr) T() Expr {
	if e.Err() != nil {
		return e
	}
	s := e.Shape()
	if s.Dims() != 2 {
		return Fail(errors.Errorf("graph: transpose of shape %v, want a matrix", s))
	}
	return apply(spec.Transpose{Rows: s[0], Cols: s[1]}, tensor.Shape{s[1], s[0]},
		func(_ []Expr, _, g Expr, _ []bool) []Expr { return []Expr{g.T()} }, e)
}

// Flatten is x (B, …) as a matrix (B, F).
func (e Expr) Flatten() Expr {
	if e.Err() != nil {
		return e
	}
	s := e.Shape()
	if s.Dims() == 0 {
		return Fail(errors.New("graph: cannot flatten a scalar, want (B, …)"))
	}
	return e.Reshape(s[0], s.TotalSize()/s[0])
}
