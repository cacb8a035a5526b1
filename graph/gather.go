package graph

import (
	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/internal/spec"
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
	if classes < 1 || classes > 1<<spec.LabelBits {
		return Fail(errors.Errorf("graph: labels of %d classes, want 1 to %d", classes, 1<<spec.LabelBits))
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
	if s.Dims() != 1 || classes < 1 || classes > 1<<spec.LabelBits {
		return Fail(errors.Errorf("graph: counts of labels of shape %v among %d classes, want (N), and 1 to %d", s, classes, 1<<spec.LabelBits))
	}
	// A label adds a 1 to the row of its class, as the gradient of a gather does.
	what := spec.GatherGrad{Rows: classes, Cols: 1, N: s[0], What: "label"}
	return apply(what, tensor.Shape{classes, 1}, nil, labels.Detach(), labels.Constant(1, s[0], 1))
}

func gather(table, indices Expr, what string) Expr {
	if err := firstError(table, indices); err != nil {
		return Fail(err)
	}
	s, b := table.Shape(), indices.Shape()
	if s.Dims() != 2 || b.Dims() != 1 {
		return Fail(errors.Errorf("graph: gather from shape %v by indices of shape %v, want (C, E) and (B)", s, b))
	}
	which := spec.Gather{Rows: s[0], Cols: s[1], N: b[0], What: what}
	return apply(which, tensor.Shape{b[0], s[1]}, func(in []Expr, _, g Expr, _ []bool) []Expr {
		return []Expr{apply(spec.GatherGrad(which), s, nil, in[1], g), {}}
	}, table, indices.Detach())
}
