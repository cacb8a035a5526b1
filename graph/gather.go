package graph

import (
	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/internal/device"
)

// Gather is the matrix (B, E) of the rows of table (C, E) that indices (B) name, such as
// the proxy of each sample's class. An index that is not one of 0 … C−1 is an error when
// the graph runs. A row's gradient is the sum over the indices that name it.
func Gather(table, indices Expr) Expr { return gather(table, indices, "") }

// Labels passes labels (B) on, each the number of one of so many classes. One that is not is an error
// when the graph runs.
func Labels(labels Expr, classes int) Expr {
	if labels.Err() != nil {
		return labels
	}
	if classes < 1 || classes > 1<<device.LabelBits {
		return Fail(errors.Errorf("graph: labels of %d classes, want 1 to %d", classes, 1<<device.LabelBits))
	}
	return gather(Iota(labels, classes).Reshape(classes, 1), labels, "label").Reshape(labels.Shape()...)
}

// LabelCounts is how many of labels (N) each class is, to (C, 1). A label that is not one of 0 … C−1 is an
// error when the graph runs. No gradient flows through it.
func LabelCounts(labels Expr, classes int) Expr {
	if labels.Err() != nil {
		return labels
	}
	s := labels.Shape()
	if s.Dims() != 1 || classes < 1 || classes > 1<<device.LabelBits {
		return Fail(errors.Errorf("graph: counts of labels of shape %v among %d classes, want (N), and 1 to %d", s, classes, 1<<device.LabelBits))
	}
	// A label adds a 1 to the row of its class, as the gradient of a gather does.
	spec := device.GatherGrad{Rows: classes, Cols: 1, N: s[0], What: "label"}
	return apply(spec, tensor.Shape{classes, 1}, nil, labels.Detach(), labels.Constant(1, s[0], 1))
}

func gather(table, indices Expr, what string) Expr {
	if err := firstError(table, indices); err != nil {
		return Fail(err)
	}
	s, b := table.Shape(), indices.Shape()
	if s.Dims() != 2 || b.Dims() != 1 {
		return Fail(errors.Errorf("graph: gather from shape %v by indices of shape %v, want (C, E) and (B)", s, b))
	}
	spec := device.Gather{Rows: s[0], Cols: s[1], N: b[0], What: what}
	return apply(spec, tensor.Shape{b[0], s[1]}, func(in []Expr, _, g Expr, _ []bool) []Expr {
		return []Expr{apply(device.GatherGrad(spec), s, nil, in[1], g), {}}
	}, table, indices.Detach())
}

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
	spec := device.Concat{Rows: rows}
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
		spec.Widths = append(spec.Widths, s[axis]*inner)
	}
	return apply(spec, out, func(in []Expr, _, g Expr, need []bool) []Expr {
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
	spec := device.Slice{Rows: rows, Width: s[axis] * inner, From: from * inner, To: to * inner}
	out := s.Clone()
	out[axis] = to - from
	return apply(spec, out, func(_ []Expr, _, g Expr, _ []bool) []Expr {
		return []Expr{apply(device.SliceGrad(spec), s, nil, g)}
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
