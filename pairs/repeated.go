package pairs

import "medusa/graph"

// Repeated is t where each anchor's terms count so many times, (B, 1), as those of a pair do that
// is in as many triplets. No gradient flows through times.
func (t Term) Repeated(times graph.Expr) Term {
	of := t.of
	times = times.Detach()
	t.of = func(low, high float64) (sum, count graph.Expr) {
		sum, count = of(low, high)
		return sum.Mul(times), count.Mul(times)
	}
	return t
}

// AsInTriplets is how many times the positive and the negative pairs of each anchor count in its
// triplets, both (B, 1), beyond what Pos and Neg say: a positive pair as often as the anchor has
// negatives, a negative pair as often as it has positives. Where triplets were chosen Pos and Neg
// tell by themselves.
func (c Compared) AsInTriplets() (pos, neg graph.Expr) {
	if c.D.Err() != nil {
		return c.D, c.D
	}
	chosen := c.batch.Chosen
	if chosen.OfTriplets() {
		one := c.D.Detach().Constant(1, c.D.Shape()[0], 1)
		return one, one
	}
	return c.number(c.Neg), c.number(c.Pos)
}

// number is how many pairs each anchor has, (B, 1), each as often as it counts.
func (c Compared) number(pairs graph.Expr) graph.Expr {
	if c.Hold == Masks {
		return graph.RowCount(pairs)
	}
	return pairs.Detach().SumAxis(1)
}
