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
// negatives, a negative pair as often as it has positives. Where a window chose triplets Pos and
// Neg tell by themselves.
func (c Compared) AsInTriplets() (pos, neg graph.Expr) {
	if c.D.Err() != nil {
		return c.D, c.D
	}
	if given(c.batch.Chosen.Window.D) {
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

// TripletBins is graph.TripletBins of the triplets of the batch that count, of distances by m.
func (b Batch) TripletBins(m Metric, low, high float64, bins int) (numbers, parts graph.Expr) {
	c := b.compare(m)
	if err := c.D.Err(); err != nil {
		return c.D, c.D
	}
	if c.Hold != Masks {
		return graph.Fail(errWeightedTriplets), graph.Fail(errWeightedTriplets)
	}
	w, err := c.window()
	if err != nil {
		return graph.Fail(err), graph.Fail(err)
	}
	return graph.TripletBins(c.D, c.Pos, c.Neg, w, low, high, bins)
}

// window is that of the selection, or all triplets.
func (c Compared) window() (graph.Window, error) {
	w := c.batch.Chosen.Window
	if !given(w.D) {
		return graph.EveryTriplet(), nil
	}
	if c.D.Detach() != w.D.Detach() {
		return graph.Window{}, errOtherWindow
	}
	return graph.Window{Above: w.Above, AtMost: w.AtMost}, nil
}
