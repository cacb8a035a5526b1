package graph

import (
	"math"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/spec"
)

// Triplets says which triplets (anchor, positive, negative) a sum goes over, and of
// what. A triplet's term is max(0, v) or, if Smooth, ln(1 + eᵛ), where
//
//	v = D_ap − D_an + Margin, or with Swap D_ap − min(D_an, D_pn) + Margin.
type Triplets struct {
	Margin float64
	Swap   bool // the negative is compared with the nearer of anchor and positive
	Smooth bool // softplus in place of the hinge
	Window Window
	// Only terms t with Low < t and, if High is not 0, t < High are added and counted. A
	// negative Low counts terms of 0 too.
	Low, High float64
	// Among is for Swap where the columns of the distances are other rows than their rows, a
	// reference set: the distances (M, M) among these, which hold the D_pn.
	Among Expr
	// Partners (B, M) holds, for each positive pair, the column of the one negative that makes a
	// triplet with it, −1 if none does. Zero: each negative of the anchor does.
	Partners Expr
	// Weighted says that pos and neg hold weights, such as counts. A triplet adds its term as often
	// as the product of what they hold of its two pairs.
	Weighted bool
}

// Window leaves the triplets with Above < v ≤ AtMost, where v is W_an − W_ap or, if Sides is not
// zero, AP·W_ap + AN·W_an + PN·W_pn.
type Window struct {
	Above, AtMost float64
	D             Expr // (B, M), the W_ap and W_an; zero: the distances that the sum is of
	Sides         Sides
	// Among is for a PN that is not 0 where the columns are other rows than the rows, a reference
	// set: the W_pn, (M, M). Zero: they are in D.
	Among Expr
}

// Sides are factors of the three sides of a triplet.
type Sides struct{ AP, AN, PN float64 }

// EveryTriplet is the window that leaves all.
func EveryTriplet() Window { return Window{Above: math.Inf(-1), AtMost: math.Inf(1)} }

// TripletSums are sums over the triplets of each anchor, all (B, 1).
type TripletSums struct {
	Sum    Expr // of the terms
	Count  Expr // of the terms added
	Chosen Expr // number of triplets in the window
	Active Expr // number of those with v > 0
}

// Sums goes over all triplets with pos[a,p] and neg[a,n] set, from distances d and masks
// pos and neg, all (B, M), in O(B·M log M) time; with Swap, Smooth, Partners, Weighted, or a
// window of other distances or sides in time proportional to the number of triplets. Memory is
// O(B·M). The gradient flows through Sum alone: the others are counts, and the window does not move
// with the distances.
func (t Triplets) Sums(d, pos, neg Expr) TripletSums {
	sum := t.sum(d, pos, neg)
	return TripletSums{
		Sum:    sum,
		Count:  sum.output(spec.TripletCount),
		Chosen: sum.output(spec.TripletChosen),
		Active: sum.output(spec.TripletActive),
	}
}

func (t Triplets) sum(d, pos, neg Expr) Expr {
	what, in, err := t.over(d, pos, neg)
	if err != nil {
		return Fail(err)
	}
	return apply(what, []int{what.N, 1}, func(in []Expr, _, g Expr, need []bool) []Expr {
		grads, all := make([]Expr, len(in)), append(slices.Clone(in), g)
		if need[0] {
			grads[0] = apply(spec.TripletsGrad(what), in[0].Shape(), nil, all...)
		}
		if at := len(in) - 1 - what.Rule.Inputs(); what.Among && need[at] {
			grads[at] = apply(spec.TripletsAmongGrad(what), in[at].Shape(), nil, all...)
		}
		return grads
	}, in...)
}

// over is the sum's description, with its inputs.
func (t Triplets) over(d, pos, neg Expr) (what spec.Triplets, in []Expr, err error) {
	if err := firstError(sameAs(pos, d), sameAs(neg, d)); err != nil {
		return what, nil, err
	}
	s := d.Shape()
	if s.Dims() != 2 {
		return what, nil, errors.Errorf("graph: triplets of distances of shape %v, want a matrix (B, M)", s)
	}
	w := t.Window
	for _, v := range []float64{t.Margin, t.Low, t.High, w.Above, w.AtMost, w.Sides.AP, w.Sides.AN, w.Sides.PN} {
		if math.IsNaN(v) {
			return what, nil, errors.Errorf("graph: triplets with a bound that is NaN: margin %g, terms between %g and %g, window above %g, at most %g, of sides %+v", t.Margin, t.Low, t.High, w.Above, w.AtMost, w.Sides)
		}
	}
	what = spec.Triplets{N: s[0], M: s[1], Margin: t.Margin, Above: t.Window.Above, AtMost: t.Window.AtMost,
		Low: t.Low, High: t.High, Swap: t.Swap, Smooth: t.Smooth}
	if t.High == 0 {
		what.High = math.Inf(1)
	}
	var positives, negatives []Expr
	what.Pos, positives = pos.source()
	what.Neg, negatives = neg.source()
	in = append(append([]Expr{d}, positives...), negatives...)
	if what, in, err = t.swaps(what, in); err != nil {
		return what, nil, err
	}
	return t.rules(what, in)
}

// swaps adds what Swap takes to what triplets are described by.
func (t Triplets) swaps(what spec.Triplets, in []Expr) (spec.Triplets, []Expr, error) {
	if !t.Swap {
		return what, in, nil
	}
	s := in[0].Shape()
	if what.Among = t.Among.given(); what.Among {
		if err := t.Among.Err(); err != nil {
			return what, nil, err
		}
		if a := t.Among.Shape(); a.Dims() != 2 || a[0] != s[1] || a[1] != s[1] {
			return what, nil, errors.Errorf("graph: triplets with Swap of distances of shape %v, and Among has shape %v, want (%d, %d)", s, a, s[1], s[1])
		}
		return what, append(in, t.Among), nil
	}
	if s[0] != s[1] || what.Pos.Cross || what.Neg.Cross {
		return what, nil, errors.Errorf("graph: triplets with Swap of distances of shape %v from a reference set, want the distances among its rows, (%d, %d), in Among", s, s[1], s[1])
	}
	return what, in, nil
}

// given reports whether an expression is there, if only as an error.
func (e Expr) given() bool { return e.n != nil || e.err != nil }

// rules adds what the window, Partners and Weighted take.
func (t Triplets) rules(which spec.Triplets, in []Expr) (spec.Triplets, []Expr, error) {
	w, d := t.Window, in[0]
	n, m := which.N, which.M
	matrix := func(what string, e Expr, rows int) error {
		if err := e.Err(); err != nil {
			return err
		}
		if s := e.Shape(); s.Dims() != 2 || s[0] != rows || s[1] != m {
			return errors.Errorf("graph: triplets of distances of shape %v, and %s have shape %v, want (%d, %d)", d.Shape(), what, s, rows, m)
		}
		return nil
	}
	r := &which.Rule
	r.Sides, r.Weighted = spec.Sides(w.Sides), t.Weighted
	if r.Sides == (spec.Sides{AP: -1, AN: 1}) {
		r.Sides = spec.Sides{}
	}
	if r.Apart = w.D.given() && w.D.n != d.n; r.Apart {
		if err := matrix("those of the window", w.D, n); err != nil {
			return which, nil, err
		}
		in = append(in, w.D.Detach())
	}
	switch r.ApartAmong = w.Sides.PN != 0 && w.Among.given(); {
	case r.ApartAmong:
		if err := matrix("those of the window among the columns", w.Among, m); err != nil {
			return which, nil, err
		}
		in = append(in, w.Among.Detach())
	case w.Sides.PN != 0 && (n != m || which.Pos.Cross || which.Neg.Cross):
		return which, nil, errors.Errorf("graph: a window that looks at the distance of positive and negative, of distances of shape %v from a reference set, want those among its rows, (%d, %d), in Among", d.Shape(), m, m)
	}
	if r.Partners = t.Partners.given(); r.Partners {
		if err := matrix("the partners", t.Partners, n); err != nil {
			return which, nil, err
		}
		in = append(in, apply(spec.Places{N: n * m, Cols: m}, t.Partners.Shape(), nil, t.Partners.Detach()))
	}
	return which, in, nil
}

// PairCounts tell, of each pair, in how many triplets it is: positive pairs and negative pairs, both
// of the shape of d. No gradient flows through them.
func (t Triplets) PairCounts(d, pos, neg Expr) (positives, negatives Expr) {
	// The derivative of the sum of terms without a bound is 1 to each triplet's positive
	// distance and −1 to its negative one.
	t.Margin, t.Smooth, t.Swap, t.Low, t.High = unbounded, false, false, math.Inf(-1), math.Inf(1)
	what, in, err := t.over(d.Detach(), pos, neg)
	if err != nil {
		return Fail(err), Fail(err)
	}
	counts := apply(spec.TripletsGrad(what), d.Shape(), nil, append(in, d.Detach().Constant(1, what.N, 1))...)
	return Where(pos, counts, 0), Where(neg, counts.Neg(), 0)
}

// unbounded is a margin that no difference of distances exceeds.
const unbounded = 1e30

// sameAs is mask, or an error if its shape is not x's.
func sameAs(mask, x Expr) Expr {
	if err := sameShape(mask, x); err != nil {
		return Fail(err)
	}
	return mask
}
