package pairs

import (
	"math"

	"github.com/pkg/errors"

	"medusa/graph"
)

// Terms are what a loss is made of: one or several sub-losses, each of many terms that a
// Reducer makes one number of.
type Terms []Term

// Term is a sub-loss: the terms of pairs, triplets or anchors, before they are reduced. Its
// matrix need not exist: a reducer asks for each anchor's sum and number of terms.
type Term struct {
	Name    string     // such as "pos", "neg", or "loss" if there is one sub-loss
	Labels  graph.Expr // (B), of the anchors
	Divisor graph.Expr // a scalar that Divisor divides by; zero if the loss has none

	of        sums
	low, high float64    // only terms between count; −Inf and +Inf are no bounds
	weight    graph.Expr // (B, 1), of the anchors; zero: 1
	least     float64    // number of terms that a sum is divided by at least
	activity  func() (active, all graph.Expr)
	constant  bool // no term is ever idle
}

// sums are each anchor's sum of the terms t with low < t < high, and their number, both (B, 1).
type sums func(low, high float64) (sum, count graph.Expr)

// Least numbers of terms: a number of terms is 0 or at least 1, a sum of weights may be small.
const (
	leastCount  = 1
	leastWeight = 1e-30
)

// Fail is a term that carries err.
func Fail(name string, err error) Term {
	t := newTerm(name, graph.Fail(err), func(_, _ float64) (sum, count graph.Expr) { return graph.Fail(err), graph.Fail(err) })
	t.Divisor = graph.Fail(err)
	return t
}

func newTerm(name string, labels graph.Expr, of sums) Term {
	return Term{Name: name, Labels: labels, of: of, low: math.Inf(-1), high: math.Inf(1), least: leastCount}
}

// Term is the sub-loss of the pairs that Pos or Neg, which pairs is, holds, with terms (B, M).
// A pair that counts several times adds its term so often.
func (c Compared) Term(name string, pairs, terms graph.Expr) Term {
	if c.Hold == Masks {
		return newTerm(name, c.Labels, func(low, high float64) (sum, count graph.Expr) {
			return graph.RowTerms(pairs, terms, low, high)
		})
	}
	t := newTerm(name, c.Labels, func(low, high float64) (sum, count graph.Expr) {
		in, t := pairs.Above(0), terms.Detach()
		if !math.IsInf(low, -1) {
			in = in.Mul(t.Constant(low).AtLeast(t).Not()) // so a term that is NaN counts
		}
		if !math.IsInf(high, 1) {
			in = in.Mul(t.AtLeast(t.Constant(high)).Not())
		}
		return graph.RowSum(in, terms.Mul(pairs)), graph.RowSum(in, pairs)
	})
	if c.Hold == Weights {
		t.least = leastWeight
	}
	return t
}

// Union is the sub-loss of the positive and the negative pairs together, with terms (B, M)
// for either.
func (c Compared) Union(name string, pos, neg graph.Expr) Term {
	if c.Hold != Masks { // where a pair may be of both kinds
		p, n := c.Term(name, c.Pos, pos), c.Term(name, c.Neg, neg)
		t := newTerm(name, c.Labels, func(low, high float64) (sum, count graph.Expr) {
			ps, pc := p.of(low, high)
			ns, nc := n.of(low, high)
			return ps.Add(ns), pc.Add(nc)
		})
		t.least = p.least
		return t
	}
	both := graph.Where(c.Pos, pos, 0).Add(graph.Where(c.Neg, neg, 0)) // not a product: 0·∞
	return c.Term(name, c.Pos.Add(c.Neg), both)
}

// Rows is the sub-loss of terms (B, 1), one of each anchor.
func (b Batch) Rows(name string, terms graph.Expr) Term {
	return anchorTerm(name, b.Labels, terms)
}

// anchorTerm is the sub-loss of terms (B, 1) of anchors with these labels.
func anchorTerm(name string, labels, terms graph.Expr) Term {
	return newTerm(name, labels, func(low, high float64) (sum, count graph.Expr) {
		return graph.RowTerms(terms.Detach().Constant(1, terms.Shape()...), terms, low, high)
	})
}

// Where is t of the anchors alone where mask (B, 1) is 1. What the terms of others are does
// not count, not even if it is infinite or NaN.
func (t Term) Where(mask graph.Expr) Term {
	of := t.of
	t.of = func(low, high float64) (sum, count graph.Expr) {
		sum, count = of(low, high)
		return graph.Where(mask, sum, 0), count.Mul(mask)
	}
	return t
}

// Between is t of the terms alone with low < t < high; −Inf and +Inf are no bounds.
func (t Term) Between(low, high float64) Term {
	t.low, t.high = max(t.low, low), min(t.high, high)
	return t
}

// Weighted is t with each anchor's terms multiplied by its weight, (B, 1). The bounds of
// Between are those of terms without it.
func (t Term) Weighted(weight graph.Expr) Term {
	if given(t.weight) {
		weight = t.weight.Mul(weight)
	}
	t.weight = weight
	return t
}

// WithActivity is t with its own count of what still teaches, for a loss whose terms are never
// 0: active of all, of any shape. It is asked only when somebody wants to know.
func (t Term) WithActivity(activity func() (active, all graph.Expr)) Term {
	t.activity = activity
	return t
}

// NeverIdle is t, of which every term always teaches, such as a cross-entropy: it says nothing
// about the active share.
func (t Term) NeverIdle() Term {
	t.constant = true
	return t
}

// Sums are each anchor's sum of terms and their number, or the sum of their weights, both
// (B, 1). No gradient flows through the number.
func (t Term) Sums() (sum, count graph.Expr) {
	if t.of == nil {
		err := errors.Errorf("pairs: the term %q is empty: make it with a method of Compared or Batch", t.Name)
		return graph.Fail(err), graph.Fail(err)
	}
	sum, count = t.of(t.low, t.high)
	if given(t.weight) {
		sum = sum.Mul(t.weight)
	}
	return sum, count.Detach()
}

// divided is sum over count, 0 of no terms.
func (t Term) divided(sum, count graph.Expr) graph.Expr {
	return sum.Div(count.Max(count.Constant(t.least)))
}

// Reduce makes one number of all terms: the sum of what r makes of each sub-loss.
func (ts Terms) Reduce(r Reducer) graph.Expr {
	if len(ts) == 0 {
		return graph.Fail(errors.New("pairs: no terms to reduce"))
	}
	if r == nil {
		return graph.Fail(errors.New("pairs: the reducer is nil, want one such as pairs.Mean{}"))
	}
	if err := checkNames(r, ts); err != nil {
		return graph.Fail(err)
	}
	var total graph.Expr
	for i, t := range ts {
		one := r.Reduce(t)
		if i == 0 {
			total = one
			continue
		}
		total = total.Add(one)
	}
	return total
}

// Active is the share of terms that are not 0, so that they teach, a scalar in [0, 1]; 0 of no
// terms. It is false if no term can be idle, so that the share would say nothing.
func (ts Terms) Active() (share graph.Expr, ok bool) {
	var active, all graph.Expr
	for _, t := range ts {
		if t.constant {
			continue
		}
		a, n := t.counts()
		a, n = a.Detach().Sum(), n.Detach().Sum()
		if ok {
			a, n = active.Add(a), all.Add(n)
		}
		active, all, ok = a, n, true
	}
	if !ok {
		return graph.Expr{}, false
	}
	return active.Div(all.Max(all.Constant(1))), true
}

// counts are the numbers of terms that are above 0, or NaN, and of all.
func (t Term) counts() (active, all graph.Expr) {
	if t.activity != nil {
		return t.activity()
	}
	if t.of == nil {
		return t.Sums()
	}
	_, active = t.of(0, math.Inf(1))
	_, all = t.of(math.Inf(-1), math.Inf(1))
	return active, all
}
