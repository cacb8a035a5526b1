package graph

import (
	"github.com/pkg/errors"

	"medusa/internal/spec"
)

// RowFirst is the first column of each row of mask (N, M) that is not 0, (N, 1), and −1 of a row
// without one; see At.
func RowFirst(mask Expr) Expr {
	if mask.Err() != nil {
		return mask
	}
	s := mask.Shape()
	if s.Dims() != 2 {
		return Fail(errors.Errorf("graph: first columns of a mask of shape %v, want a matrix", s))
	}
	what := spec.RowFirst{Rows: s[0], Cols: s[1]}
	var in []Expr
	what.Mask, in = mask.source()
	return apply(what, []int{s[0], 1}, nil, in...)
}

// LabelFirst is x (N, 1), of rows with labels (N), at the first row of each label where x is not below
// 0, and −1 elsewhere. No gradient flows through it.
func LabelFirst(labels, x Expr) Expr {
	if err := ofLabels(labels, x); err != nil {
		return Fail(err)
	}
	return apply(spec.LabelFirst{N: x.Shape()[0]}, x.Shape(), nil, labels.Detach(), x.Detach())
}

// LabelRanks numbers labels (N) by their order, equal ones alike: 0 for the least, to (N).
func LabelRanks(labels Expr) Expr {
	if labels.Err() != nil {
		return labels
	}
	n := labels.Shape().TotalSize()
	first := LabelFirst(labels, Iota(labels, n).Reshape(n, 1))
	if first.Err() != nil {
		return first
	}
	return apply(spec.LabelRank{N: n}, []int{n}, nil, labels.Detach(), first)
}

func ofLabels(labels, x Expr) error {
	if err := firstError(labels, x); err != nil {
		return err
	}
	l, s := labels.Shape(), x.Shape()
	if l.Dims() != 1 || s.Dims() != 2 || s[0] != l[0] || s[1] != 1 {
		return errors.Errorf("graph: first rows of labels of shape %v by numbers of shape %v, want (N) and (N, 1)", l, s)
	}
	return nil
}
