package spec

import "math"

// The outputs of Triplets, (N, 1) each.
const (
	TripletSum     = iota // sum of the terms t with Low < t < High
	TripletCount          // their number
	TripletActive         // number of triplets in the window that violate the margin, v > 0
	TripletChosen         // number of triplets in the window
	TripletOutputs        // how many there are
)

// Triplets computes, from distances d (N, M) and masks pos and neg (N, M), sums over the
// triplets (a, p, n) with pos[a,p], neg[a,n] and Above < D_an − D_ap ≤ AtMost, the
// window, one of each output an anchor. A triplet's term is
// max(0, v) or, if Smooth, ln(1 + eᵛ), of
//
//	v = D_ap − D_an + Margin, or with Swap D_ap − min(D_an, D_pn) + Margin.
//
// With a negative Low terms of 0 count too. The inputs are d, those of the two masks and, with
// Among, the distances (M, M) among the columns' rows, which hold the D_pn; without, they are in
// d, a batch's distances from itself. Then come those of the Rule.
//
// Without Swap, Smooth and a Rule a row takes O(M log M): with the anchor's positives sorted by
// distance, those that make a triplet of a given window with one negative stand side by
// side, so two binary searches and sums of prefixes replace them. With Swap, Smooth or a Rule
// every triplet is visited, as no order of the distances makes the terms linear. Memory
// is O(M) a row in both. In float32 an anchor with few positives is quicker done by one
// pass over its negatives for each of them (see fewPositives), and by a few under a Rule that
// is a window alone (see windowTask).
type Triplets struct {
	N, M          int
	Margin        float64
	Above, AtMost float64
	Low, High     float64
	Swap, Smooth  bool
	Among         bool // with Swap
	Pos, Neg      Mask
	Rule          TripletRule
}

// Outputs are the numbers of triplets.
func (s Triplets) Outputs() []Output { return []Output{column(s.N), column(s.N), column(s.N)} }

// Cut divides the differences δ = D_an − D_ap: below it are δ < at or, if closed, δ ≤ at.
type Cut struct {
	At     float64
	Closed bool
}

func (c Cut) before(o Cut) bool { return c.At < o.At || c.At == o.At && !c.Closed && o.Closed }

// Span is the differences below to and not below from.
type Span struct{ From, To Cut }

func (s Span) within(o Span) Span {
	if s.From.before(o.From) {
		s.From = o.From
	}
	if o.To.before(s.To) {
		s.To = o.To
	}
	if s.To.before(s.From) {
		s.To = s.From
	}
	return s
}

// Holds reports whether the difference d lies in the span. A NaN lies in every span: a
// violation that is not a number counts.
func (s Span) Holds(d float64) bool { return d != d || !s.From.Below(d) && s.To.Below(d) }

func (c Cut) Below(d float64) bool { return d < c.At || c.Closed && d == c.At }

// Spans are the differences that each output counts, the window, the bounds of the
// terms and the margin taken together.
func (s Triplets) Spans() (out [TripletOutputs]Span) {
	all := Span{Cut{math.Inf(-1), false}, Cut{math.Inf(1), true}}
	window := all.within(Span{Cut{s.Above, !math.IsInf(s.Above, -1)}, Cut{s.AtMost, true}}) // −∞ is no bound
	active := Span{all.From, Cut{s.Margin, false}}
	terms := all
	if s.Low >= 0 {
		terms.To = Cut{s.Margin - s.Low, false}
	}
	if !math.IsInf(s.High, 1) {
		terms.From = Cut{s.Margin - s.High, true}
	}
	out[TripletChosen] = window
	out[TripletActive] = window.within(active)
	out[TripletCount] = window.within(terms)
	out[TripletSum] = window.within(terms).within(active)
	return out
}

// TripletsGrad computes the gradient to d (N, M) from the inputs of Triplets and the gradient to
// the sums: the other outputs are numbers of triplets. Of two equal distances that Swap chooses from each gets half.
type TripletsGrad Triplets

// TripletsAmongGrad computes from the inputs of TripletsGrad with Among the gradient to the
// distances (M, M) among the columns' rows.
type TripletsAmongGrad Triplets
