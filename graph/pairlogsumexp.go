package graph

import (
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/spec"
)

// PairLogSumExp is, of each pair (a, p) where the mask pos (N, M) is 1,
//
//	ln Σ over n where neg[a,n] is 1 of e^(x[a,n] + among[p,n])
//
// to (N, M), without overflow: −∞ of a row a without an n, and 0 where pos is 0. x and neg are
// (N, M), among is (M, M). It is a sum over triplets of exponents that are sums of two numbers,
// in time proportional to the number of pairs times M, and in memory for N·M numbers. x and among
// may be one expression, which takes a third of the time.
func PairLogSumExp(pos, neg, x, among Expr) Expr {
	if err := firstError(sameAs(pos, x), sameAs(neg, x), among); err != nil {
		return Fail(err)
	}
	s := x.Shape()
	if s.Dims() != 2 || !slices.Equal(among.Shape(), []int{s[1], s[1]}) {
		return Fail(errors.Errorf("graph: sums of exponents of shapes %v and %v, want matrices (N, M) and (M, M)", s, among.Shape()))
	}
	what := spec.PairLogSumExp{N: s[0], M: s[1], Self: x == among}
	var positives, negatives []Expr
	what.Pos, positives = pos.source()
	what.Neg, negatives = neg.source()
	in := slices.Concat([]Expr{x}, positives, negatives)
	if !what.Self {
		in = append(in, among)
	}
	return apply(what, s, func(in []Expr, _, g Expr, need []bool) []Expr {
		grads, all := make([]Expr, len(in)), append(slices.Clone(in), g)
		last := len(in) - 1
		if need[0] {
			grads[0] = apply(spec.PairLogSumExpGrad(what), in[0].Shape(), nil, all...)
		}
		if need[last] && !what.Self {
			grads[last] = apply(spec.PairLogSumExpAmongGrad(what), in[last].Shape(), nil, all...)
		}
		return grads
	}, in...)
}
