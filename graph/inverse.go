package graph

import (
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/internal/spec"
)

// InverseOfOneLess is (I − x)⁻¹ of a symmetric matrix x (N, N) whose eigenvalues lie within ±radius, which is below
// 1: Σ xⁱ over all i, of what flows step by step along the edges of a graph. NaN where I − x is not positive definite.
func InverseOfOneLess(x Expr, radius float64) Expr {
	if x.Err() != nil {
		return x
	}
	s := x.Shape()
	if s.Dims() != 2 || s[0] != s[1] {
		return Fail(errors.Errorf("graph: the inverse of I − x of shape %v, want a matrix (N, N)", s))
	}
	if !(radius >= 0 && radius < 1) {
		return Fail(errors.Errorf("graph: the inverse of I − x with eigenvalues within ±%g, want at least 0 and below 1", radius))
	}
	less := Identity(x, s[0]).Sub(x)
	what := spec.SymmetricInverse{N: s[0]}
	return apply(what, s, func(_ []Expr, out, g Expr, _ []bool) []Expr {
		return []Expr{out.MatMul(g).MatMul(out).Neg(), {}} // the inverse is symmetric, too
	}, less, inverseByProducts(x.Detach(), less.Detach(), radius))
}

// inverseByProducts is for a device that is good at products alone: Σ xⁱ is Π (I + x^(2ⁱ)), to within radius^(2ⁱ),
// and a step of Newton's makes of what is missing its square.
func inverseByProducts(x, less Expr, radius float64) Expr {
	inverse := Identity(x, x.Shape()[0]).Add(x)
	for left := radius * radius; left > inverseError(x.Dtype()); left *= left {
		x = x.MatMul(x)
		inverse = inverse.Add(inverse.MatMul(x))
	}
	return inverse.Scale(2).Sub(inverse.MatMul(less.MatMul(inverse)))
}

// inverseError is what may be missing of an inverse before the last step.
func inverseError(dt tensor.Dtype) float64 {
	if dt == tensor.Float64 {
		return 1e-14
	}
	return 1e-7
}

// OnHost is steps in which those are left out whose results the CPU does not need: what its kernels compute in
// another way than other devices do.
func OnHost(steps []Step) []Step {
	readers := map[*gorgonia.Node]int{}
	for _, s := range steps {
		for _, in := range s.In {
			readers[in]++
		}
	}
	steps = slices.Clone(steps)
	gone := map[*gorgonia.Node]bool{}
	release := func(in []*gorgonia.Node) {
		for _, n := range in {
			if readers[n]--; readers[n] == 0 {
				gone[n] = true
			}
		}
	}
	for i := len(steps) - 1; i >= 0; i-- {
		s := &steps[i]
		if gone[s.Node] && !slices.ContainsFunc(slices.Concat(s.Further...), func(n *gorgonia.Node) bool { return !gone[n] }) {
			release(s.In)
		} else if _, ok := s.Spec.(spec.SymmetricInverse); ok {
			release(s.In[1:])
			s.In = s.In[:1]
		}
	}
	return slices.DeleteFunc(steps, func(s Step) bool { return gone[s.Node] })
}
