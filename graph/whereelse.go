package graph

import (
	"github.com/pkg/errors"

	"medusa/internal/spec"
)

// WhereElse is x where mask is 1 and y elsewhere, even where the other is infinite or NaN, to
// which no gradient flows there. Like operations of two expressions it stretches scalars and
// sides of length 1. Where is the same with one number for y.
func WhereElse(mask, x, y Expr) Expr {
	if err := firstError(mask, x, y); err != nil {
		return Fail(err)
	}
	out, err := stretched(x.Shape(), y.Shape())
	if err == nil {
		out, err = stretched(out, mask.Shape())
	}
	if err != nil {
		return Fail(errors.Wrapf(err, "graph: where mask %v, %v, else %v", mask.Shape(), x.Shape(), y.Shape()))
	}
	n := 1
	for _, d := range out {
		n *= d
	}
	return apply(spec.WhereElse{N: n}, out, func(in []Expr, _, g Expr, need []bool) []Expr {
		zero := g.Constant(0, out...)
		grads := make([]Expr, 3)
		if need[1] {
			grads[1] = WhereElse(in[0], g, zero)
		}
		if need[2] {
			grads[2] = WhereElse(in[0], zero, g)
		}
		return grads
	}, mask.Detach().BroadcastTo(out), x.BroadcastTo(out), y.BroadcastTo(out))
}
