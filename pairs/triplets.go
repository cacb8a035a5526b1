package pairs

import (
	"math"

	"github.com/pkg/errors"

	"medusa/graph"
)

var errWeightedTriplets = errors.New("pairs: triplets of pairs that have counts or weights, want masks of pairs")

// Triplets is the sub-loss of the triplets (a, p, n) that count, with terms as t has them, of
// distances by m. The window is that of the selection: that of t is not read, nor are its
// bounds.
func (b Batch) Triplets(name string, m Metric, t graph.Triplets) Term {
	c := b.compare(m)
	if err := c.D.Err(); err != nil {
		return Fail(name, err)
	}
	if c.Hold != Masks {
		return Fail(name, errWeightedTriplets)
	}
	if b.Chosen.Single && !t.Swap && !given(b.Chosen.Window.D) {
		return c.single(name, t)
	}
	return c.triplets(name, t)
}

// triplets is the sub-loss of any triplets.
func (c Compared) triplets(name string, t graph.Triplets) Term {
	t.Window = graph.EveryTriplet()
	if w := c.batch.Chosen.Window; given(w.D) {
		t.Window = graph.Window{Above: w.Above, AtMost: w.AtMost}
		if c.D.Detach() != w.D.Detach() {
			return Fail(name, errors.New("pairs: the miner's window of triplets compares by another metric than the loss: give the miner no distance, or the loss's"))
		}
	}
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
