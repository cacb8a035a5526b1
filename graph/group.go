package graph

import (
	"github.com/pkg/errors"

	"medusa/internal/spec"
)

// GroupMax is the largest of every size neighbours in a row of x (N, M), to (N, M/size), NaN if one
// of them is NaN. Among equal ones the first gets the gradient.
func GroupMax(x Expr, size int) Expr {
	n, err := groupsOf(x, size)
	if err != nil {
		return Fail(err)
	}
	s := x.Shape()
	what := spec.GroupMax{Groups: n, Size: size}
	return apply(what, []int{s[0], s[1] / size}, func(in []Expr, out, g Expr, _ []bool) []Expr {
		return []Expr{apply(spec.GroupMaxGrad(what), s, nil, in[0], out, g)}
	}, x)
}

// GroupSoftMax is, of every size neighbours x_j in a row of x (N, M), the soft maximum
//
//	Σ over j of q_j·x_j,   q = softmax over j of x_j/temperature
//
// to (N, M/size). Where one of them is not finite it is NaN.
func GroupSoftMax(x Expr, size int, temperature float64) Expr {
	n, err := groupsOf(x, size)
	if err != nil {
		return Fail(err)
	}
	if !(temperature > 0) {
		return Fail(errors.Errorf("graph: a soft maximum of temperature %g, want above 0", temperature))
	}
	s := x.Shape()
	what := spec.GroupSoftMax{Groups: n, Size: size, Temperature: temperature}
	return apply(what, []int{s[0], s[1] / size}, func(in []Expr, out, g Expr, _ []bool) []Expr {
		return []Expr{apply(spec.GroupSoftMaxGrad(what), s, nil, in[0], out, g)}
	}, x)
}

// groupsOf is the number of groups of a matrix.
func groupsOf(x Expr, size int) (int, error) {
	if err := x.Err(); err != nil {
		return 0, err
	}
	s := x.Shape()
	if s.Dims() != 2 || size < 1 || s[1]%size != 0 {
		return 0, errors.Errorf("graph: groups of %d in the rows of shape %v, want a matrix whose rows are whole groups", size, s)
	}
	return s.TotalSize() / size, nil
}
