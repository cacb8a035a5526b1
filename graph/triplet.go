package graph

import (
	"math"

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
// pos and neg, all (B, B), in O(B² log B) time; with Swap or Smooth in time
// proportional to the number of triplets. Memory is O(B²). The gradient flows through
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
	if err := firstError(sameAs(pos, d), sameAs(neg, d)); err != nil {
		return Fail(err)
	}
	s := d.Shape()
	if s.Dims() != 2 || s[0] != s[1] {
		return Fail(errors.Errorf("graph: triplets of distances of shape %v, want a square matrix", s))
	}
	spec := device.Triplets{N: s[0], Margin: t.Margin, Above: t.Window.Above, AtMost: t.Window.AtMost,
		Low: t.Low, High: t.High, Swap: t.Swap, Smooth: t.Smooth}
	if t.High == 0 {
		spec.High = math.Inf(1)
	}
	for _, v := range []float64{t.Margin, t.Low, t.High, t.Window.Above, t.Window.AtMost} {
		if math.IsNaN(v) {
			return Fail(errors.Errorf("graph: triplets with a bound that is NaN: %+v", t))
		}
	}
	if !t.Swap && !t.Smooth {
		spec.Pos, pos = pairs(pos)
		spec.Neg, neg = pairs(neg)
	}
	return apply(spec, []int{s[0], device.TripletColumns}, func(in []Expr, _, g Expr, _ []bool) []Expr {
		return []Expr{apply(device.TripletsGrad(spec), s, nil, in[0], in[1], in[2], g), {}, {}}
	}, d, pos.Detach(), neg.Detach())
}

// PairCounts tell, of each pair, in how many triplets of the window it is: positive pairs and
// negative pairs, both of the shape of d. No gradient flows through them.
func (t Triplets) PairCounts(d, pos, neg Expr) (positives, negatives Expr) {
	// The derivative of the sum of terms without a bound is 1 to each triplet's positive
	// distance and −1 to its negative one.
	t.Margin, t.Smooth, t.Swap, t.Low, t.High = unbounded, false, false, math.Inf(-1), math.Inf(1)
	sums := t.packed(d, pos, neg)
	o, ok := sums.at()
	if !ok {
		return Fail(sums.Err()), Fail(sums.Err())
	}
	spec := device.TripletsGrad(o.spec.(device.Triplets))
	counts := apply(spec, d.Shape(), nil, d.Detach(), Data(o.from[1]), Data(o.from[2]), sums.Detach().Constant(1, sums.Shape()...))
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

// RowFarthest is the mask (N, M) of the largest entry of each row of x where mask is 1,
// the first among equal ones; a row with none stays empty.
func RowFarthest(mask, x Expr) Expr { return rowChoice(device.RowMax, mask, x) }

// RowNearest is the mask (N, M) of the smallest entry of each row of x where mask is 1,
// the first among equal ones; a row with none stays empty.
func RowNearest(mask, x Expr) Expr { return rowChoice(device.RowMin, mask, x) }

// rowChoice is where a row's reduction is attained: its gradient, for 1.
func rowChoice(op device.Reduction, mask, x Expr) Expr {
	if err := sameShape(mask, x); err != nil {
		return Fail(err)
	}
	x, mask = x.Detach(), mask.Detach()
	s := x.Shape()
	if s.Dims() != 2 {
		return Fail(errors.Errorf("graph: row %s of shape %v, want a matrix", op, s))
	}
	spec := device.RowReduce{Op: op, Rows: s[0], Cols: s[1], K: 1}
	spec.Pairs, mask = pairs(mask)
	y := reduced(spec, mask, x)
	return apply(device.RowReduceGrad(spec), s, nil, x, mask, y, y.Constant(1, s[0], device.ReduceColumns))
}

// RowNearestK is the mask (N, M) of the k smallest entries of each row of x where mask is
// 1, of all that equal the k-th, and of all in a row with no more than k.
func RowNearestK(mask, x Expr, k int) Expr {
	if err := sameShape(mask, x); err != nil {
		return Fail(err)
	}
	s := x.Shape()
	if s.Dims() != 2 || k < 1 {
		return Fail(errors.Errorf("graph: the %d smallest of each row of shape %v, want a matrix and at least 1", k, s))
	}
	return apply(device.RowNearest{Rows: s[0], Cols: s[1], K: k}, s, nil, x.Detach(), mask.Detach())
}
