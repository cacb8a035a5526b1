package pairs

import (
	"math"

	"medusa/graph"
)

// Triplets is the sub-loss of the triplets (a, p, n) that count, with terms as t has them, of
// distances by m. Which count is what the selection says: the window, partners and weights of t are
// not read, nor are its bounds.
func (b Batch) Triplets(name string, m Metric, t graph.Triplets) Term {
	c := b.compare(m)
	if err := c.D.Err(); err != nil {
		return Fail(name, err)
	}
	term := c.triplets(name, t)
	if b.Chosen.Single && !t.Swap && c.Hold == Masks && !given(b.Chosen.Window.D) && !given(b.Chosen.Partners) {
		term = c.single(name, t)
	}
	if b.Chosen.Or == nil {
		return term
	}
	b.Chosen = b.Chosen.or()
	return term.or(b.Triplets(name, m, t))
}

// or is t with the terms of other, one of which has none.
func (t Term) or(other Term) Term {
	of := t.of
	t.of = func(low, high float64) (sum, count graph.Expr) {
		sum, count = of(low, high)
		s, n := other.of(low, high)
		return sum.Add(s), count.Add(n)
	}
	t.least = min(t.least, other.least)
	own := t.activity
	return t.WithActivity(func() (active, all graph.Expr) {
		active, all = own()
		a, n := other.counts()
		return active.Sum().Add(a.Sum()), all.Sum().Add(n.Sum())
	})
}

// triplets is the sub-loss of any triplets.
func (c Compared) triplets(name string, t graph.Triplets) Term {
	chosen := c.batch.Chosen
	t.Window, t.Partners, t.Weighted = chosen.Window.over(), chosen.Partners, c.Hold != Masks
	if t.Swap && c.batch.HasReference() {
		t.Among = nearness(c.metric, c.batch.Ref, c.batch.Ref)
	}
	of := func(low, high float64) graph.TripletSums {
		t := t
		t.Low, t.High = low, high
		return t.Sums(c.D, c.Pos, c.Neg)
	}
	term := newTerm(name, c.Labels, func(low, high float64) (sum, count graph.Expr) {
		s := of(low, high)
		return s.Sum, s.Count
	})
	if c.Hold == Weights {
		term.least = leastWeight
	}
	return term.WithActivity(func() (active, all graph.Expr) {
		s := of(term.low, term.high)
		return s.Active, s.Chosen
	})
}

// single is the sub-loss of anchors with one triplet or none: of its two distances, without a
// matrix.
func (c Compared) single(name string, t graph.Triplets) Term {
	far, some := graph.RowMaxOf(c.Pos, c.D)    // (B, 1)
	near, others := graph.RowMinOf(c.Neg, c.D) // (B, 1)
	mined := some.Mul(others)                  // anchors that have a triplet
	violation := graph.Where(mined, far.Sub(near), 0).Plus(t.Margin)
	terms := violation.Relu()
	if t.Smooth {
		terms = violation.Softplus()
	}
	term := newTerm(name, c.Labels, func(low, high float64) (sum, count graph.Expr) {
		return graph.RowTerms(mined, terms, low, high)
	})
	return term.WithActivity(func() (active, all graph.Expr) {
		_, active = graph.RowTerms(mined, violation, 0, math.Inf(1))
		return active, mined
	})
}
