package graph

import (
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/spec"
)

// PairedSoftmax tells how well rows of x (N, D) find their partners among rows of y (M, D): partners
// (N, 1) holds, of a row a that has one, the number p_a of its partner in y, and −1 of other rows.
// It is
//
//	ln(1 + Σ over partners k other than p_a of e^(⟨x_a, y_k⟩ − ⟨x_a, y_p_a⟩))
//
// to (N, 1), 0 of a row without a partner, in time proportional to the number of rows that have one
// times the number of partners: rows that are not chosen cost nothing. A row of y that is the partner
// of several counts once. x and y may be one expression. A partner that is no row of y is an error
// when the graph runs.
func PairedSoftmax(x, y, partners Expr) Expr {
	if err := firstError(x, y, partners); err != nil {
		return Fail(err)
	}
	a, b, p := x.Shape(), y.Shape(), partners.Shape()
	if a.Dims() != 2 || b.Dims() != 2 || a[1] != b[1] || !slices.Equal(p, []int{a[0], 1}) {
		return Fail(errors.Errorf("graph: softmax over partners of shapes %v and %v, named by %v, want (N, D), (M, D) and (N, 1)", a, b, p))
	}
	partners = apply(spec.Places{N: a[0], Cols: b[0]}, p, nil, partners.Detach())
	what := spec.PairedSoftmax{N: a[0], M: b[0], D: a[1]}
	return apply(what, p, func(in []Expr, _, g Expr, need []bool) []Expr {
		grads, all := make([]Expr, len(in)), append(slices.Clone(in), g)
		if need[0] {
			grads[0] = apply(spec.PairedSoftmaxGrad{PairedSoftmax: what}, a, nil, all...)
		}
		if need[1] {
			grads[1] = apply(spec.PairedSoftmaxGrad{PairedSoftmax: what, ToY: true}, b, nil, all...)
		}
		return grads
	}, x, y, partners)
}
