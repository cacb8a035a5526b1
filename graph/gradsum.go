package graph

import (
	"gorgonia.org/gorgonia"

	"medusa/internal/spec"
)

// Gorgonia's Grad adds up what several readers say with an op of its own, which writes memory that nothing else of
// the run can use. An op's gradient is built on the sum of this package instead: a machine does not make Gorgonia's
// where nobody else reads it.

// gradSum is a sum of Grad's, of matrices, as one of this package; any other expression as it is.
func gradSum(g Expr) Expr {
	if g.Err() != nil || g.Shape().Dims() != 2 || !isSum(g.n) {
		return g
	}
	var terms []Expr
	for in := g.n.Graph().From(g.n.ID()); in.Next(); {
		terms = append(terms, gradSum(Data(in.Node().(*gorgonia.Node))))
	}
	shape := g.Shape()
	sum := apply(spec.Binary{Op: spec.Add, A: shape.Clone(), B: shape.Clone()}, shape, nil, terms...)
	if o, ok := sum.at(); ok {
		o.sums, o.addsGrads = append(o.sums, g.n), true
	}
	return sum
}
