package graph

import (
	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/internal/spec"
)

// Concat joins tensors along an axis; their other sides are equal.
func Concat(axis int, xs ...Expr) Expr {
	if err := firstError(xs...); err != nil {
		return Fail(err)
	}
	if len(xs) == 0 {
		return Fail(errors.New("graph: nothing to join"))
	}
	out := xs[0].Shape().Clone()
	if err := checkAxis(out, axis); err != nil {
		return Fail(err)
	}
	rows, inner := around(out, axis)
	what := spec.Concat{Rows: rows}
	out[axis] = 0
	for _, x := range xs {
		s := x.Shape()
		if len(s) != len(out) {
			return Fail(errors.Errorf("graph: join %v and %v: ranks differ", xs[0].Shape(), s))
		}
		for i := range s {
			if i != axis && s[i] != out[i] {
				return Fail(errors.Errorf("graph: join %v and %v along axis %d: their sides %d differ", xs[0].Shape(), s, axis, i))
			}
		}
		out[axis] += s[axis]
		what.Widths = append(what.Widths, s[axis]*inner)
	}
	return apply(what, out, func(in []Expr, _, g Expr, need []bool) []Expr {
		grads := make([]Expr, len(in))
		from := 0
		for i, x := range in {
			to := from + x.Shape()[axis]
			if need[i] {
				grads[i] = g.Slice(axis, from, to)
			}
			from = to
		}
		return grads
	}, xs...)
}

// Slice is the part [from, to) of x along an axis.
func (e Expr) Slice(axis, from, to int) Expr {
	if e.Err() != nil {
		return e
	}
	s := e.Shape()
	if err := checkAxis(s, axis); err != nil {
		return Fail(err)
	}
	if from < 0 || to <= from || to > s[axis] {
		return Fail(errors.Errorf("graph: no part [%d, %d) of axis %d of shape %v", from, to, axis, s))
	}
	if from == 0 && to == s[axis] {
		return e
	}
	rows, inner := around(s, axis)
	what := spec.Slice{Rows: rows, Width: s[axis] * inner, From: from * inner, To: to * inner}
	out := s.Clone()
	out[axis] = to - from
	return apply(what, out, func(_ []Expr, _, g Expr, _ []bool) []Expr {
		return []Expr{apply(spec.SliceGrad(what), s, nil, g)}
	}, e)
}

// around is the number of elements of the axes before axis, and of those after it.
func around(s tensor.Shape, axis int) (before, after int) {
	before, after = 1, 1
	for i, n := range s {
		if i < axis {
			before *= n
		} else if i > axis {
			after *= n
		}
	}
	return before, after
}

func checkAxis(s tensor.Shape, axis int) error {
	if axis < 0 || axis >= len(s) {
		return errors.Errorf("graph: shape %v has no axis %d", s, axis)
	}
	return nil
}
