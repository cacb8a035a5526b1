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

// MatMul is the matrix product of x (M, K) and y (K, N).
func (e Expr) MatMul(f Expr) Expr { return matMul(e, f, false, false) }

// MatMulT is the product of x (M, K) and the transpose of y (N, K).
func (e Expr) MatMulT(f Expr) Expr { return matMul(e, f, false, true) }

func matMul(a, b Expr, ta, tb bool) Expr {
	if err := firstError(a, b); err != nil {
		return Fail(err)
	}
	sa, sb := a.Shape(), b.Shape()
	if sa.Dims() != 2 || sb.Dims() != 2 {
		return Fail(errors.Errorf("graph: matrix product of shapes %v and %v, want two matrices", sa, sb))
	}
	what, err := productOf("matrix product", sa, sb, ta, tb)
	if err != nil {
		return Fail(err)
	}
	return apply(what, tensor.Shape{what.M, what.N}, productGrad(matMul, ta, tb), a, b)
}

// productOf is the product of matrices that are the last two axes of the shapes; an error
// says what they were to be and names them as they came.
func productOf(what string, sa, sb tensor.Shape, ta, tb bool) (spec.MatMul, error) {
	a, b := sa[len(sa)-2:], sb[len(sb)-2:]
	m, ka, kb, n := a[0], a[1], b[0], b[1]
	if ta {
		m, ka = ka, m
	}
	if tb {
		kb, n = n, kb
	}
	if ka != kb {
		return spec.MatMul{}, errors.Errorf("graph: %s of %v and %v: inner sizes %d and %d differ", what, sa, sb, ka, kb)
	}
	return spec.MatMul{TransA: ta, TransB: tb, M: m, N: n, K: ka}, nil
}

// productGrad is the gradient of a product by products.
func productGrad(product func(a, b Expr, ta, tb bool) Expr, ta, tb bool) gradient {
	return func(in []Expr, _, g Expr, need []bool) []Expr {
		grads := make([]Expr, 2)
		if need[0] {
			if ta {
				grads[0] = product(in[1], g, tb, true)
			} else {
				grads[0] = product(g, in[1], false, !tb)
			}
		}
		if need[1] {
			if tb {
				grads[1] = product(g, in[0], true, ta)
			} else {
				grads[1] = product(in[0], g, !ta, false)
			}
		}
		return grads
	}
}
