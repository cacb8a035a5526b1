package graph

import (
	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/internal/spec"
)

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
