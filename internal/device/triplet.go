package device

import (
	"cmp"
	"math"
	"slices"

	"medusa/internal/device/cpu"
)

// The columns of what Triplets computes for each anchor.
const (
	TripletSum     = iota // sum of the terms t with Low < t < High
	TripletCount          // their number
	TripletActive         // number of triplets in the window that violate the margin, v > 0
	TripletChosen         // number of triplets in the window
	TripletColumns        // how many columns there are
)

// Triplets computes, from distances d and masks pos and neg, all (N, N), sums over the
// triplets (a, p, n) with pos[a,p], neg[a,n] and Above < D_an − D_ap ≤ AtMost, the
// window. The result is (N, TripletColumns), a row an anchor. A triplet's term is
// max(0, v) or, if Smooth, ln(1 + eᵛ), of
//
//	v = D_ap − D_an + Margin, or with Swap D_ap − min(D_an, D_pn) + Margin.
//
// With a negative Low terms of 0 count too.
//
// Without Swap and Smooth a row takes O(N log N): with the anchor's positives sorted by
// distance, those that make a triplet of a given window with one negative stand side by
// side, so two binary searches and sums of prefixes replace them. With Swap or Smooth
// every triplet is visited, as no order of the distances makes the terms linear. Memory
// is O(N) a row in both. In float32 an anchor with few positives is quicker done by one
// pass over its negatives for each of them (see fewPositives).
type Triplets struct {
	N             int
	Margin        float64
	Above, AtMost float64
	Low, High     float64
	Swap, Smooth  bool
	Pos, Neg      Pairs // where the masks come from; Given with Swap or Smooth
}

func (s Triplets) cpu() Kernel {
	single := triplets[float32](s)
	if !s.Swap && !s.Smooth {
		single = fewPositives(s, single)
	}
	return host(single, triplets[float64](s))
}

func triplets[T cpu.Float](s Triplets) func(out []T, in [][]T) {
	rows := make([]tripletRow, s.N/tripletGrain+1)
	scratch := make([][]T, s.N/tripletGrain+1)
	spans := s.Spans()
	var d, pos, neg, out []T
	body := func(lo, hi int) {
		row := &rows[lo/tripletGrain]
		for a := lo; a < hi; a++ {
			var sums [TripletColumns]float64
			mask := maskScratch(s, scratch, lo/tripletGrain)
			gatherPositives(row, s.N, a, d, maskRow(s.Pos, pos, a, s.N, mask))
			if s.Swap || s.Smooth {
				enumerateTriplets(s, row, a, d, neg, &sums)
			} else {
				countTriplets(s, spans, row, d[a*s.N:(a+1)*s.N], maskRow(s.Neg, neg, a, s.N, mask), &sums)
			}
			for k, v := range sums {
				out[a*TripletColumns+k] = T(v)
			}
		}
	}
	return func(o []T, in [][]T) {
		d, pos, neg, out = in[0], in[1], in[2], o
		cpu.Parallel(s.N, tripletGrain, body)
	}
}

// tripletGrain is how many anchors make a piece of the work.
const tripletGrain = 4

// tripletRow is the scratch of one piece.
type tripletRow struct {
	pos    []positive // the anchor's positives, nearest first
	prefix []float64  // sums of the distances of the first k
	grad   []float64
}

type positive struct {
	dist  float64
	index int
}

// maskScratch is room for a row of a mask in a piece, made when it is first needed.
func maskScratch[T cpu.Float](s Triplets, rows [][]T, piece int) []T {
	if rows[piece] == nil && (s.Pos != Given || s.Neg != Given) {
		rows[piece] = make([]T, s.N)
	}
	return rows[piece]
}

// gatherPositives reads anchor a's positives, where its row of the mask is not 0.
func gatherPositives[T cpu.Float](r *tripletRow, n, a int, d, pos []T) {
	r.pos = r.pos[:0]
	for j, m := range pos {
		if m != 0 {
			r.pos = append(r.pos, positive{float64(d[a*n+j]), j})
		}
	}
	slices.SortFunc(r.pos, func(x, y positive) int {
		return cmp.Or(cmp.Compare(x.dist, y.dist), cmp.Compare(x.index, y.index))
	})
	r.prefix = append(r.prefix[:0], 0)
	for i, p := range r.pos {
		r.prefix = append(r.prefix, r.prefix[i]+p.dist)
	}
}

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

// holds reports whether the difference d lies in the span. A NaN lies in every span: a
// violation that is not a number counts.
func (s Span) holds(d float64) bool { return d != d || !s.From.below(d) && s.To.below(d) }

// of is the range of positives that with a negative at distance an fall into the span.
func (s Span) of(pos []positive, an float64) (lo, hi int) {
	return s.To.first(pos, an), s.From.first(pos, an)
}

// first is the first of the sorted positives p with an − D_ap below the cut.
func (c Cut) first(pos []positive, an float64) int {
	lo, hi := 0, len(pos)
	switch {
	case c.At == math.Inf(1):
		return 0
	case !c.below(an - pos[hi-1].dist): // most negatives are far from all positives
		return hi
	}
	for hi--; lo < hi; {
		mid := int(uint(lo+hi) >> 1)
		if c.below(an - pos[mid].dist) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

func (c Cut) below(d float64) bool { return d < c.At || c.Closed && d == c.At }

// Spans are the differences that each column counts, the window, the bounds of the
// terms and the margin taken together.
func (s Triplets) Spans() (out [TripletColumns]Span) {
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

func countTriplets[T cpu.Float](s Triplets, spans [TripletColumns]Span, r *tripletRow, d, neg []T, sums *[TripletColumns]float64) {
	if len(r.pos) == 0 {
		return
	}
	twin := twins(spans)
	odd := !finite(r.prefix[len(r.pos)])
	for j, m := range neg {
		if m == 0 {
			continue
		}
		an := float64(d[j])
		odd = odd || !finite(an)
		lo, hi := spans[TripletSum].of(r.pos, an)
		if lo != hi {
			sums[TripletSum] += r.prefix[hi] - r.prefix[lo] + float64(hi-lo)*(s.Margin-an)
		}
		for k := TripletCount; k < TripletColumns; k++ {
			if !twin[k] {
				lo, hi = spans[k].of(r.pos, an)
			}
			sums[k] += float64(hi - lo)
		}
	}
	if odd {
		countEach(s, spans, r, d, neg, sums)
	}
}

// twins tells which columns count the same as the column before.
func twins(spans [TripletColumns]Span) (twin [TripletColumns]bool) {
	for k := 1; k < TripletColumns; k++ {
		twin[k] = spans[k] == spans[k-1]
	}
	return twin
}

func finite[T cpu.Float](v T) bool { return v-v == 0 }

// countEach is countTriplets triplet by triplet, for a row with distances that are not
// finite: no order and no sum of them says anything.
func countEach[T cpu.Float](s Triplets, spans [TripletColumns]Span, r *tripletRow, d, neg []T, sums *[TripletColumns]float64) {
	*sums = [TripletColumns]float64{}
	for j, m := range neg {
		if m == 0 {
			continue
		}
		an := float64(d[j])
		for _, p := range r.pos {
			diff := an - p.dist
			if spans[TripletSum].holds(diff) {
				sums[TripletSum] += s.Margin - diff
			}
			for k := TripletCount; k < TripletColumns; k++ {
				sums[k] += float64(btoi(spans[k].holds(diff)))
			}
		}
	}
}

// term is one triplet's term, its derivative by v, and what it counts for.
func (s Triplets) term(ap, an, nearest float64) (t, dt float64, chosen, counted, active bool) {
	if diff := an - ap; diff <= s.Above && !math.IsInf(s.Above, -1) || diff > s.AtMost {
		return
	}
	v := ap - nearest + s.Margin
	chosen, active = true, !(v <= 0) // a NaN is active: the sum must tell of it
	switch {
	case s.Smooth:
		t = max(v, 0) + math.Log1p(math.Exp(-math.Abs(v)))
		dt = 1 / (1 + math.Exp(-v))
	case active:
		t, dt = v, 1
	}
	counted = t != t || t > s.Low && (t < s.High || math.IsInf(s.High, 1)) // ∞ is no bound
	return t, dt, chosen, counted, active
}

// nearest is the distance that the negative has in the triplet.
func nearest[T cpu.Float](s Triplets, d []T, a, p, n int) float64 {
	an := d[a*s.N+n]
	if s.Swap {
		an = min(an, d[p*s.N+n])
	}
	return float64(an)
}

func enumerateTriplets[T cpu.Float](s Triplets, r *tripletRow, a int, d, neg []T, sums *[TripletColumns]float64) {
	for _, p := range r.pos {
		for n, m := range neg[a*s.N : (a+1)*s.N] {
			if m == 0 {
				continue
			}
			t, _, chosen, counted, active := s.term(p.dist, float64(d[a*s.N+n]), nearest(s, d, a, p.index, n))
			if counted {
				sums[TripletSum] += t
				sums[TripletCount]++
			}
			sums[TripletChosen] += float64(btoi(chosen))
			sums[TripletActive] += float64(btoi(active))
		}
	}
}

// TripletsGrad computes the gradient to d (N, N) from d, pos, neg and the gradient to
// the result of Triplets, of which column TripletSum counts: the other columns are
// numbers of triplets. Of two equal distances that Swap chooses from each gets half.
type TripletsGrad Triplets

func (s TripletsGrad) cpu() Kernel {
	single := tripletsGrad[float32](s)
	if !s.Swap && !s.Smooth {
		single = fewPositivesGrad(s, single)
	}
	return host(single, tripletsGrad[float64](s))
}

func tripletsGrad[T cpu.Float](g TripletsGrad) func(out []T, in [][]T) {
	s := Triplets(g)
	rows := make([]tripletRow, s.N/tripletGrain+1)
	scratch := make([][]T, s.N/tripletGrain+1)
	sum := s.Spans()[TripletSum]
	var d, pos, neg, up, out []T
	body := func(lo, hi int) {
		row := &rows[lo/tripletGrain]
		for a := lo; a < hi; a++ {
			if row.grad == nil {
				row.grad = make([]float64, s.N)
			}
			clear(row.grad)
			mask := maskScratch(s, scratch, lo/tripletGrain)
			gatherPositives(row, s.N, a, d, maskRow(s.Pos, pos, a, s.N, mask))
			if s.Swap || s.Smooth {
				enumerateGrad(s, row, a, d, pos, neg, up)
			} else {
				countGrad(sum, row, d[a*s.N:(a+1)*s.N], maskRow(s.Neg, neg, a, s.N, mask), float64(up[a*TripletColumns+TripletSum]))
			}
			for j, v := range row.grad {
				out[a*s.N+j] = T(v)
			}
		}
	}
	return func(o []T, in [][]T) {
		d, pos, neg, up, out = in[0], in[1], in[2], in[3], o
		cpu.Parallel(s.N, tripletGrain, body)
	}
}

// countGrad: a negative gets −1 for each positive in its range, and each positive in the
// range 1, by the differences of neighbours, kept in prefix. In a row with distances that are
// not finite each triplet is visited, as in countEach.
func countGrad[T cpu.Float](sum Span, r *tripletRow, d, neg []T, up float64) {
	if len(r.pos) == 0 || up == 0 {
		return
	}
	odd := !finite(r.prefix[len(r.pos)])
	steps := r.prefix
	clear(steps)
	for j, m := range neg {
		if m == 0 {
			continue
		}
		odd = odd || !finite(d[j])
		lo, hi := sum.of(r.pos, float64(d[j]))
		steps[lo]++
		steps[hi]--
		r.grad[j] = -up * float64(hi-lo)
	}
	if odd {
		countEachGrad(sum, r, d, neg, up)
		return
	}
	var count float64
	for i, p := range r.pos {
		count += steps[i]
		r.grad[p.index] += up * count
	}
}

func countEachGrad[T cpu.Float](sum Span, r *tripletRow, d, neg []T, up float64) {
	clear(r.grad)
	for j, m := range neg {
		if m == 0 {
			continue
		}
		for _, p := range r.pos {
			if sum.holds(float64(d[j]) - p.dist) {
				r.grad[p.index] += up
				r.grad[j] -= up
			}
		}
	}
}

// enumerateGrad fills row a: what its distances get as the anchor's, and with Swap what
// they get as the positive's.
func enumerateGrad[T cpu.Float](s Triplets, r *tripletRow, a int, d, pos, neg, up []T) {
	for _, p := range r.pos {
		own := float64(up[a*TripletColumns+TripletSum])
		for n, m := range neg[a*s.N : (a+1)*s.N] {
			if m == 0 || own == 0 {
				continue
			}
			if g := own * tripletSlope(s, d, a, p.index, n); g != 0 {
				r.grad[p.index] += g
				r.grad[n] -= g * swapShare(s, d[a*s.N+n], d[p.index*s.N+n])
			}
		}
	}
	if !s.Swap {
		return
	}
	for anchor := range s.N { // a is the positive of these anchors
		other := float64(up[anchor*TripletColumns+TripletSum])
		if pos[anchor*s.N+a] == 0 || other == 0 {
			continue
		}
		for n, m := range neg[anchor*s.N : (anchor+1)*s.N] {
			if m != 0 {
				g := other * tripletSlope(s, d, anchor, a, n)
				r.grad[n] -= g * swapShare(s, d[a*s.N+n], d[anchor*s.N+n])
			}
		}
	}
}

func tripletSlope[T cpu.Float](s Triplets, d []T, a, p, n int) float64 {
	_, dt, _, counted, _ := s.term(float64(d[a*s.N+p]), float64(d[a*s.N+n]), nearest(s, d, a, p, n))
	if !counted {
		return 0
	}
	return dt
}

// swapShare is the part of the gradient to min(x, y) that goes to x; all of it to a NaN.
func swapShare[T cpu.Float](s Triplets, x, y T) float64 {
	switch {
	case !s.Swap || x < y || x != x:
		return 1
	case x == y:
		return 0.5
	}
	return 0
}
