package pairs

import "medusa/graph"

// Reducer makes one number, a scalar, of the terms of a sub-loss. Over no terms it is 0. The
// reducers of this package can stand in each other: Threshold{Low: 0.1, Of: PerAnchor{}} is
// the mean over anchors of their mean of terms above 0.1.
type Reducer interface {
	Reduce(t Term) graph.Expr
}

// Mean is the average of the terms.
type Mean struct{}

// Reduce makes one number of the terms.
func (Mean) Reduce(t Term) graph.Expr {
	sum, count := t.Sums()
	return t.divided(sum.Sum(), count.Sum())
}

// NonZero is the average of the terms above 0.
type NonZero struct{}

// Reduce makes one number of the terms.
func (NonZero) Reduce(t Term) graph.Expr { return Threshold{}.Reduce(t) }

// Sum is the sum of the terms.
type Sum struct{}

// Reduce makes one number of the terms.
func (Sum) Reduce(t Term) graph.Expr {
	sum, _ := t.Sums()
	return sum.Sum()
}

// ofOr is the reducer within another one, Mean if it is left out.
func ofOr(of Reducer) Reducer {
	if of == nil {
		return Mean{}
	}
	return of
}
