package cpu

import (
	"math"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

// vectorWindow reports whether windowTask can make the sums: the rule is a window over sides of its
// own and nothing else, so that a pass over the anchor's row tells which negatives make a triplet
// with one positive.
func vectorWindow(s spec.Triplets) bool {
	r := s.Rule
	return (r.Apart || r.Sides != spec.Sides{}) && !s.Swap && !s.Smooth && !r.Partners && !r.Weighted
}

// windowTask sums over triplets whose window looks at sides of its own, a few passes over the
// negatives for each positive, in float32: what the window looks at is rounded before it is compared
// with the bounds.
type windowTask struct {
	s        spec.Triplets
	pos, neg maskRows[float32]
	d        []float32
	rule     ruleInputs[float32]
	up       []float32
	out      [][]float32
	workers  []*windowRow
	anchor   func(r *windowRow, a int)
}

// windowRow is the scratch of a worker.
type windowRow struct {
	pos                   []int32
	neg                   []float32 // the anchor's row, which may be that of a mask in memory
	mask, look, in, terms []float32
}

func newWindowTask(s spec.Triplets) *windowTask {
	return &windowTask{s: s, pos: newMaskRows[float32](s.Pos, s.N, s.M), neg: newMaskRows[float32](s.Neg, s.N, s.M)}
}

// begin takes the inputs and reports whether all distances are finite: a NaN must come out of the
// sum, and no comparison finds it.
func (t *windowTask) begin(out, in [][]float32, gradient bool) bool {
	m := t.s.M
	for len(t.workers) < loops.Threads() {
		row := func() []float32 { return make([]float32, m) }
		t.workers = append(t.workers, &windowRow{pos: make([]int32, 0, m), mask: row(), look: row(), in: row(), terms: row()})
	}
	t.d, t.out = in[0], out
	t.rule, in = newRuleInputs(t.s.Rule, t.d, t.neg.begin(t.pos.begin(in[1:])))
	if gradient {
		t.up = in[0]
	}
	return loops.Finite(t.d) && (!t.s.Rule.Apart || loops.Finite(t.rule.w)) && (!t.s.Rule.ApartAmong || loops.Finite(t.rule.among))
}

// run goes through the anchors.
func (t *windowTask) run() {
	loops.DoAtMost(len(t.workers), (t.s.N+tripletGrain-1)/tripletGrain, t)
}

// end lets the inputs go.
func (t *windowTask) end() {
	t.d, t.up, t.out, t.rule = nil, nil, nil, ruleInputs[float32]{}
}

// Piece does some anchors.
func (t *windowTask) Piece(piece, worker int) {
	for a := piece * tripletGrain; a < min((piece+1)*tripletGrain, t.s.N); a++ {
		r := t.workers[worker]
		r.pos = loops.Marked(r.pos[:0], t.pos.row(a, r.mask))
		r.neg = t.neg.row(a, r.mask)
		t.anchor(r, a)
	}
}

// chosen marks the negatives in the window with positive p of anchor a, in r.in.
func (t *windowTask) chosen(r *windowRow, a int, p int32) {
	m, sides := t.s.M, t.s.Rule.Factors()
	w := t.rule.w[a*m : (a+1)*m]
	loops.Affine(r.look, w, float32(sides.AN), 0)
	if sides.PN != 0 {
		loops.Axpy(r.look, float32(sides.PN), t.rule.among[int(p)*m:(int(p)+1)*m])
	}
	loops.Affine(r.look, r.look, 1, float32(sides.AP)*w[p])
	loops.Between(r.in, r.look, r.neg, 1, lower(t.s.Above), justAbove(float32(t.s.AtMost)))
}

// lower and upper are bounds as Between takes them, NaN for −∞ below and ∞ above, which are none.
func lower(v float64) float32 {
	if math.IsInf(v, -1) {
		return float32(math.NaN())
	}
	return float32(v)
}

func upper(v float64) float32 {
	if math.IsInf(v, 1) {
		return float32(math.NaN())
	}
	return float32(v)
}

// sums fills row a of the result.
func (t *windowTask) sums(r *windowRow, a int) {
	var sums [spec.TripletOutputs]float64
	m := t.s.M
	d := t.d[a*m : (a+1)*m]
	for _, p := range r.pos {
		t.chosen(r, a, p)
		c := float32(float64(d[p]) + t.s.Margin)
		sum, count := loops.HingeSums(d, r.in, -1, c, lower(t.s.Low), upper(t.s.High))
		active := count
		if t.s.Low != 0 || !math.IsInf(t.s.High, 1) {
			_, active = loops.HingeSums(d, r.in, -1, c, 0, float32(math.NaN()))
		}
		sums[spec.TripletSum] += sum
		sums[spec.TripletCount] += count
		sums[spec.TripletActive] += active
		sums[spec.TripletChosen] += loops.Sum(r.in)
	}
	for k, v := range sums {
		putAt(t.out[k], a, float32(v))
	}
}

// grad makes row a of the gradient.
func (t *windowTask) grad(r *windowRow, a int) {
	m := t.s.M
	out, d, up := t.out[0][a*m:(a+1)*m], t.d[a*m:(a+1)*m], t.up[a]
	clear(out)
	if up == 0 {
		return
	}
	low := max(t.s.Low, 0) // a term of 0 has no slope
	for _, p := range r.pos {
		t.chosen(r, a, p)
		loops.HingeBetween(r.terms, d, r.in, 1, -1, float32(float64(d[p])+t.s.Margin), float32(low), upper(t.s.High))
		loops.Sub(out, out, r.terms)
		out[p] += float32(loops.Sum(r.terms))
	}
	loops.Affine(out, out, up, 0)
}

// windowTriplets is Triplets in float32; each is for distances that are not finite.
func windowTriplets(s spec.Triplets, each func(out, in [][]float32)) func(out, in [][]float32) {
	t := newWindowTask(s)
	t.anchor = t.sums
	return t.or(each, false)
}

// windowTripletsGrad is TripletsGrad in float32.
func windowTripletsGrad(g spec.TripletsGrad, each func(out, in [][]float32)) func(out, in [][]float32) {
	t := newWindowTask(spec.Triplets(g))
	t.anchor = t.grad
	return t.or(each, true)
}

func (t *windowTask) or(each func(out, in [][]float32), gradient bool) func(out, in [][]float32) {
	return func(out, in [][]float32) {
		finite := t.begin(out, in, gradient)
		if finite {
			t.run()
		}
		t.end()
		if !finite {
			each(out, in)
		}
	}
}
