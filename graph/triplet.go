package graph

import (
	"math"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/device"
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
}

// Window leaves the triplets with Above < D_an − D_ap ≤ AtMost.
type Window struct{ Above, AtMost float64 }

// EveryTriplet is the window that leaves all.
func EveryTriplet() Window { return Window{math.Inf(-1), math.Inf(1)} }

// TripletSums are sums over the triplets of each anchor, all (B, 1).
type TripletSums struct {
	Sum    Expr // of the terms
	Count  Expr // of the terms added
	Chosen Expr // number of triplets in the window
	Active Expr // number of those with v > 0
}

// Sums goes over all triplets with pos[a,p] and neg[a,n] set, from distances d and masks
// pos and neg, all (B, M), in O(B·M log M) time; with Swap or Smooth in time
// proportional to the number of triplets. Memory is O(B·M). The gradient flows through
// Sum alone: the others are counts, and the window does not move with the distances.
func (t Triplets) Sums(d, pos, neg Expr) TripletSums {
	packed := t.packed(d, pos, neg)
	return TripletSums{
		Sum:    packed.Slice(1, device.TripletSum, device.TripletSum+1),
		Count:  packed.Detach().Slice(1, device.TripletCount, device.TripletCount+1),
		Chosen: packed.Detach().Slice(1, device.TripletChosen, device.TripletChosen+1),
		Active: packed.Detach().Slice(1, device.TripletActive, device.TripletActive+1),
	}
}

func (t Triplets) packed(d, pos, neg Expr) Expr {
	spec, in, err := t.over(d, pos, neg)
	if err != nil {
		return Fail(err)
	}
	return apply(spec, []int{spec.N, device.TripletColumns}, func(in []Expr, _, g Expr, need []bool) []Expr {
		grads, all := make([]Expr, len(in)), append(slices.Clone(in), g)
		if need[0] {
			grads[0] = apply(device.TripletsGrad(spec), in[0].Shape(), nil, all...)
		}
		if last := len(in) - 1; spec.Among && need[last] {
			grads[last] = apply(device.TripletsAmongGrad(spec), in[last].Shape(), nil, all...)
		}
		return grads
	}, in...)
}

// over is the sum's description, with its inputs.
func (t Triplets) over(d, pos, neg Expr) (spec device.Triplets, in []Expr, err error) {
	if err := firstError(sameAs(pos, d), sameAs(neg, d)); err != nil {
		return spec, nil, err
	}
	s := d.Shape()
	if s.Dims() != 2 {
		return spec, nil, errors.Errorf("graph: triplets of distances of shape %v, want a matrix (B, M)", s)
	}
	for _, v := range []float64{t.Margin, t.Low, t.High, t.Window.Above, t.Window.AtMost} {
		if math.IsNaN(v) {
			return spec, nil, errors.Errorf("graph: triplets with a bound that is NaN: margin %g, terms between %g and %g, window %+v", t.Margin, t.Low, t.High, t.Window)
		}
	}
	spec = device.Triplets{N: s[0], M: s[1], Margin: t.Margin, Above: t.Window.Above, AtMost: t.Window.AtMost,
		Low: t.Low, High: t.High, Swap: t.Swap, Smooth: t.Smooth}
	if t.High == 0 {
		spec.High = math.Inf(1)
	}
	var positives, negatives []Expr
	spec.Pos, positives = pos.source()
	spec.Neg, negatives = neg.source()
	in = append(append([]Expr{d}, positives...), negatives...)
	if !t.Swap {
		return spec, in, nil
	}
	if spec.Among = t.Among.n != nil || t.Among.err != nil; spec.Among {
		if err := t.Among.Err(); err != nil {
			return spec, nil, err
		}
		if a := t.Among.Shape(); a.Dims() != 2 || a[0] != s[1] || a[1] != s[1] {
			return spec, nil, errors.Errorf("graph: triplets with Swap of distances of shape %v, and Among has shape %v, want (%d, %d)", s, a, s[1], s[1])
		}
		return spec, append(in, t.Among), nil
	}
	if s[0] != s[1] || spec.Pos.Cross || spec.Neg.Cross {
		return spec, nil, errors.Errorf("graph: triplets with Swap of distances of shape %v from a reference set, want the distances among its rows, (%d, %d), in Among", s, s[1], s[1])
	}
	return spec, in, nil
}

// PairCounts tell, of each pair, in how many triplets of the window it is: positive pairs and
// negative pairs, both of the shape of d. No gradient flows through them.
func (t Triplets) PairCounts(d, pos, neg Expr) (positives, negatives Expr) {
	// The derivative of the sum of terms without a bound is 1 to each triplet's positive
	// distance and −1 to its negative one.
	t.Margin, t.Smooth, t.Swap, t.Low, t.High = unbounded, false, false, math.Inf(-1), math.Inf(1)
	spec, in, err := t.over(d.Detach(), pos, neg)
	if err != nil {
		return Fail(err), Fail(err)
	}
	counts := apply(device.TripletsGrad(spec), d.Shape(), nil, append(in, d.Detach().Constant(1, spec.N, device.TripletColumns))...)
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
