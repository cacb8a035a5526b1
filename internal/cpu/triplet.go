package cpu

import (
	"cmp"
	"math"
	"slices"

	"medusa/internal/cpu/loops"
	"medusa/internal/device"
	"medusa/internal/spec"
)

func init() {
	registerKernel(tripletsKernel)
	registerKernel(tripletsGradKernel)
	registerSeveral(tripletsAmongGrad[float32], tripletsAmongGrad[float64])
}

func tripletsKernel(s spec.Triplets) device.Kernel {
	single := triplets[float32](s)
	switch {
	case vectorWindow(s):
		single = windowTriplets(s, single)
	case !s.Each():
		single = fewPositives(s, single)
	}
	return several(single, triplets[float64](s))
}

// tripletTask goes through anchors, or rows of the distances among the columns' rows.
type tripletTask[T loops.Float] struct {
	s            spec.Triplets
	pos, neg     maskRows[T]
	d, among, up []T
	out          [][]T // all of Triplets, the one of a gradient
	rule         ruleInputs[T]
	count        int
	body         func(r *tripletRow[T], a int)
	workers      []*tripletRow[T]
}

func newTripletTask[T loops.Float](s spec.Triplets, count int) *tripletTask[T] {
	return &tripletTask[T]{s: s, pos: newMaskRows[T](s.Pos, s.N, s.M), neg: newMaskRows[T](s.Neg, s.N, s.M), count: count}
}

// run goes through all rows; with a gradient the last input is that to the sums.
func (t *tripletTask[T]) run(out, in [][]T, gradient bool) {
	t.out = out
	t.begin(in[0], in[1:], gradient)
	for len(t.workers) < loops.Threads() {
		t.workers = append(t.workers, newTripletRow[T](t.s))
	}
	loops.DoAtMost(len(t.workers), (t.count+tripletGrain-1)/tripletGrain, t)
	t.d, t.among, t.up, t.out, t.rule = nil, nil, nil, nil, ruleInputs[T]{}
}

// begin takes the inputs.
func (t *tripletTask[T]) begin(d []T, in [][]T, gradient bool) {
	t.d = d
	in = t.neg.begin(t.pos.begin(in))
	t.among = t.d
	if t.s.Among {
		t.among, in = in[0], in[1:]
	}
	t.rule, in = newRuleInputs(t.s.Rule, d, in)
	if gradient {
		t.up = in[0]
	}
}

// Piece does some rows.
func (t *tripletTask[T]) Piece(piece, worker int) {
	for a := piece * tripletGrain; a < min((piece+1)*tripletGrain, t.count); a++ {
		t.body(t.workers[worker], a)
	}
}

func triplets[T loops.Float](s spec.Triplets) func(out, in [][]T) {
	t := newTripletTask[T](s, s.N)
	spans := s.Spans()
	t.body = func(row *tripletRow[T], a int) {
		var sums [spec.TripletOutputs]float64
		d := t.d[a*s.M : (a+1)*s.M]
		row.gatherPositives(d, t.pos.row(a, row.mask))
		neg := t.neg.row(a, row.mask)
		if s.Each() {
			t.enumerate(row, a, neg, &sums)
		} else {
			countTriplets(s, spans, row, d, neg, &sums)
		}
		for k, v := range sums {
			putAt(t.out[k], a, T(v))
		}
	}
	return func(out, in [][]T) { t.run(out, in, false) }
}

// tripletGrain is how many anchors make a piece of the work.
const tripletGrain = 4

// tripletRow is the scratch of a worker.
type tripletRow[T loops.Float] struct {
	rule   spec.TripletRule
	pos    []positive // the anchor's positives, nearest first
	neg    []negative // its negatives in the order of their columns, where each triplet is visited
	prefix []float64  // sums of the distances of the first k
	grad   []float64
	mask   []T
}

type positive struct {
	dist   float64
	weight float64 // that a triplet has of it
	index  int
}

func newTripletRow[T loops.Float](s spec.Triplets) *tripletRow[T] {
	m := s.M
	return &tripletRow[T]{rule: s.Rule, pos: make([]positive, 0, m), prefix: make([]float64, 0, m+1), grad: make([]float64, m), mask: make([]T, m)}
}

// gatherPositives reads an anchor's positives, where its row of the mask is not 0.
func (r *tripletRow[T]) gatherPositives(d, pos []T) {
	r.pos = r.pos[:0]
	for j, m := range pos {
		if m != 0 {
			r.pos = append(r.pos, positive{float64(d[j]), weightOf(r.rule, float64(m)), j})
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

// positivesIn is the range of positives that with a negative at distance an fall into the span.
func positivesIn(s spec.Span, pos []positive, an float64) (lo, hi int) {
	return firstBelow(s.To, pos, an), firstBelow(s.From, pos, an)
}

// firstBelow is the first of the sorted positives p with an − D_ap below the cut.
func firstBelow(c spec.Cut, pos []positive, an float64) int {
	lo, hi := 0, len(pos)
	switch {
	case c.At == math.Inf(1):
		return 0
	case !c.Below(an - pos[hi-1].dist): // most negatives are far from all positives
		return hi
	}
	for hi--; lo < hi; {
		mid := int(uint(lo+hi) >> 1)
		if c.Below(an - pos[mid].dist) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

func countTriplets[T loops.Float](s spec.Triplets, spans [spec.TripletOutputs]spec.Span, r *tripletRow[T], d, neg []T, sums *[spec.TripletOutputs]float64) {
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
		lo, hi := positivesIn(spans[spec.TripletSum], r.pos, an)
		if lo != hi {
			sums[spec.TripletSum] += r.prefix[hi] - r.prefix[lo] + float64(hi-lo)*(s.Margin-an)
		}
		for k := spec.TripletCount; k < spec.TripletOutputs; k++ {
			if !twin[k] {
				lo, hi = positivesIn(spans[k], r.pos, an)
			}
			sums[k] += float64(hi - lo)
		}
	}
	if odd {
		countEach(s, spans, r, d, neg, sums)
	}
}

// twins tells which outputs count the same as the output before.
func twins(spans [spec.TripletOutputs]spec.Span) (twin [spec.TripletOutputs]bool) {
	for k := 1; k < spec.TripletOutputs; k++ {
		twin[k] = spans[k] == spans[k-1]
	}
	return twin
}

func finite[T loops.Float](v T) bool { return v-v == 0 }

// countEach is countTriplets triplet by triplet, for a row with distances that are not
// finite: no order and no sum of them says anything.
func countEach[T loops.Float](s spec.Triplets, spans [spec.TripletOutputs]spec.Span, r *tripletRow[T], d, neg []T, sums *[spec.TripletOutputs]float64) {
	*sums = [spec.TripletOutputs]float64{}
	for j, m := range neg {
		if m == 0 {
			continue
		}
		an := float64(d[j])
		for _, p := range r.pos {
			diff := an - p.dist
			if spans[spec.TripletSum].Holds(diff) {
				sums[spec.TripletSum] += s.Margin - diff
			}
			for k := spec.TripletCount; k < spec.TripletOutputs; k++ {
				sums[k] += float64(btoi(spans[k].Holds(diff)))
			}
		}
	}
}

// termOf is the term of a triplet that lies in the window, its derivative by v, and what it counts for.
func termOf(s spec.Triplets, ap, nearest float64) (t, dt float64, counted, active bool) {
	v := ap - nearest + s.Margin
	active = !(v <= 0) // a NaN is active: the sum must tell of it
	switch {
	case s.Smooth:
		t = max(v, 0) + math.Log1p(math.Exp(-math.Abs(v)))
		dt = 1 / (1 + math.Exp(-v))
	case active:
		t, dt = v, 1
	}
	counted = t != t || t > s.Low && (t < s.High || math.IsInf(s.High, 1)) // ∞ is no bound
	return t, dt, counted, active
}

// nearestOf is the distance that the negative has in the triplet: it is the anchor's or, with
// Swap, the positive's.
func nearestOf(s spec.Triplets, an, pn float64) float64 {
	if s.Swap {
		return min(an, pn)
	}
	return an
}

// swapped is the row of distances from positive p; of no use without Swap.
func (t *tripletTask[T]) swapped(p int) []T {
	if !t.s.Swap {
		return nil
	}
	return t.among[p*t.s.M : (p+1)*t.s.M]
}

func pick[T loops.Float](row []T, i int) float64 {
	if row == nil {
		return 0
	}
	return float64(row[i])
}

func (t *tripletTask[T]) enumerate(r *tripletRow[T], a int, neg []T, sums *[spec.TripletOutputs]float64) {
	r.gatherNegatives(t, a, neg)
	var sum, count, chosen, acting float64
	for _, p := range r.pos {
		see := t.view(a, p, r.neg)
		from := t.swapped(p.index)
		for _, n := range see.negatives {
			if see.windowed && !see.holds(n.look, n.index) {
				continue
			}
			w := p.weight * n.weight
			v, _, counted, active := termOf(t.s, p.dist, nearestOf(t.s, n.dist, pick(from, n.index)))
			if counted {
				sum += w * v
				count += w
			}
			if active {
				acting += w
			}
			chosen += w
		}
	}
	sums[spec.TripletSum], sums[spec.TripletCount], sums[spec.TripletActive], sums[spec.TripletChosen] = sum, count, acting, chosen
}

func tripletsGradKernel(s spec.TripletsGrad) device.Kernel {
	single := tripletsGrad[float32](s)
	switch {
	case vectorWindow(spec.Triplets(s)):
		single = windowTripletsGrad(s, single)
	case !spec.Triplets(s).Each():
		single = fewPositivesGrad(s, single)
	}
	return several(single, tripletsGrad[float64](s))
}

func tripletsGrad[T loops.Float](g spec.TripletsGrad) func(out, in [][]T) {
	t := newTripletTask[T](spec.Triplets(g), g.N)
	t.body = func(row *tripletRow[T], a int) {
		t.anchorGrad(row, a)
		if g.Swap && !g.Among {
			t.swapGrad(row, a)
		}
		t.write(row, a)
	}
	return func(out, in [][]T) { t.run(out, in, true) }
}

// anchorGrad sets a row's gradient to what anchor a's distances get as the anchor's.
func (t *tripletTask[T]) anchorGrad(row *tripletRow[T], a int) {
	s := t.s
	clear(row.grad)
	d, up := t.d[a*s.M:(a+1)*s.M], float64(t.up[a])
	row.gatherPositives(d, t.pos.row(a, row.mask))
	neg := t.neg.row(a, row.mask)
	if s.Each() {
		t.enumerateGrad(row, a, neg, up)
	} else {
		countGrad(s.Spans()[spec.TripletSum], row, d, neg, up)
	}
}

func (t *tripletTask[T]) write(row *tripletRow[T], a int) {
	row.write(t.out[0][a*t.s.M : (a+1)*t.s.M])
}

func (row *tripletRow[T]) write(out []T) {
	for j, v := range row.grad {
		out[j] = T(v)
	}
}

func tripletsAmongGrad[T loops.Float](g spec.TripletsAmongGrad) func(out, in [][]T) {
	t := newTripletTask[T](spec.Triplets(g), g.M)
	t.body = func(row *tripletRow[T], p int) {
		clear(row.grad)
		t.swapGrad(row, p)
		t.write(row, p)
	}
	return func(out, in [][]T) { t.run(out, in, true) }
}

// countGrad: a negative gets −1 for each positive in its range, and each positive in the
// range 1, by the differences of neighbours, kept in prefix. In a row with distances that are
// not finite each triplet is visited, as in countEach.
func countGrad[T loops.Float](sum spec.Span, r *tripletRow[T], d, neg []T, up float64) {
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
		lo, hi := positivesIn(sum, r.pos, float64(d[j]))
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

func countEachGrad[T loops.Float](sum spec.Span, r *tripletRow[T], d, neg []T, up float64) {
	clear(r.grad)
	for j, m := range neg {
		if m == 0 {
			continue
		}
		for _, p := range r.pos {
			if sum.Holds(float64(d[j]) - p.dist) {
				r.grad[p.index] += up
				r.grad[j] -= up
			}
		}
	}
}

// enumerateGrad adds what an anchor's distances get.
func (t *tripletTask[T]) enumerateGrad(r *tripletRow[T], a int, neg []T, up float64) {
	if up == 0 {
		return
	}
	r.gatherNegatives(t, a, neg)
	for _, p := range r.pos {
		see := t.view(a, p, r.neg)
		from := t.swapped(p.index)
		for _, n := range see.negatives {
			if see.windowed && !see.holds(n.look, n.index) {
				continue
			}
			pn := pick(from, n.index)
			if g := up * (p.weight * n.weight) * slopeOf(t.s, p.dist, n.dist, pn); g != 0 {
				r.grad[p.index] += g
				r.grad[n.index] -= g * swapShareOf(t.s, n.dist, pn)
			}
		}
	}
}

// swapGrad adds what the distances from p get as the positive's.
func (t *tripletTask[T]) swapGrad(r *tripletRow[T], p int) {
	from := t.swapped(p)
	for a := range t.s.N { // p is the positive of these anchors
		up := float64(t.up[a])
		if up == 0 || !t.pos.has(a, p) {
			continue
		}
		own := positive{dist: float64(t.d[a*t.s.M+p]), weight: weightOf(t.s.Rule, t.pos.held(a, p)), index: p}
		r.gatherNegatives(t, a, t.neg.row(a, r.mask))
		see := t.view(a, own, r.neg)
		for _, n := range see.negatives {
			if see.windowed && !see.holds(n.look, n.index) {
				continue
			}
			pn := float64(from[n.index])
			g := up * (own.weight * n.weight) * slopeOf(t.s, own.dist, n.dist, pn)
			r.grad[n.index] -= g * swapShareOf(t.s, pn, n.dist)
		}
	}
}

// slopeOf is the derivative by v of the term of a triplet in the window; 0 of one that does not count.
func slopeOf(s spec.Triplets, ap, an, pn float64) float64 {
	_, dt, counted, _ := termOf(s, ap, nearestOf(s, an, pn))
	if !counted {
		return 0
	}
	return dt
}

// swapShareOf is the part of the gradient to min(x, y) that goes to x; all of it to a NaN.
func swapShareOf(s spec.Triplets, x, y float64) float64 {
	switch {
	case !s.Swap || x < y || x != x:
		return 1
	case x == y:
		return 0.5
	}
	return 0
}
