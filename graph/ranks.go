package graph

import (
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/spec"
)

// SoftRanks is, of distances d and masks of and over, all (B, M), the matrix
//
//	r[a,i] = Σ over j ≠ i with over[a,j] of σ((d[a,i] − d[a,j])/temperature)
//
// where of[a,i] is 1, and 0 elsewhere: as the temperature falls, the number of entries of over
// that are nearer to the anchor a than i is; 1 more is the rank of i. σ is the logistic function.
// It takes time in proportion to the number of pairs that are compared, and O(B·M) memory.
func SoftRanks(d, of, over Expr, temperature float64) Expr {
	if err := firstError(sameAs(of, d), sameAs(over, d)); err != nil {
		return Fail(err)
	}
	s := d.Shape()
	if s.Dims() != 2 || !(temperature > 0) {
		return Fail(errors.Errorf("graph: ranks of temperature %g among distances of shape %v, want a number above 0 and a matrix (B, M)", temperature, s))
	}
	what := spec.SoftRanks{N: s[0], M: s[1], Temperature: temperature}
	var ranked, others []Expr
	what.Of, ranked = of.source()
	what.Over, others = over.source()
	return apply(what, s, func(in []Expr, _, g Expr, _ []bool) []Expr {
		grad := apply(spec.SoftRanksGrad(what), s, nil, append(slices.Clone(in), g)...)
		return append([]Expr{grad}, make([]Expr, len(in)-1)...)
	}, append(append([]Expr{d}, ranked...), others...)...)
}
