package cpu

import (
	"math"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

// manyPositives is how many positives of an anchor make the sorted way the quicker one:
// it takes a few dozen times as long for a negative as a vector of a pass, which does
// sixteen.
const manyPositives = 256

// fewTask sums over the triplets of anchors with few positives, a pass over the
// negatives for each positive, in float32: a difference D_an − D_ap is rounded before it
// is compared with the bounds.
type fewTask struct {
	s     spec.Triplets
	spans [spec.TripletOutputs]loops.Span
	twin  [spec.TripletOutputs]bool // counts the same as the output before
	rows  []*fewRow

	pos, neg maskRows[float32]
	d, up    []float32
	out      [][]float32
	anchor   func(r *fewRow, a int)
}

func newFewRow(m int) *fewRow {
	return &fewRow{mask: make([]float32, m), dist: make([]float32, m), pos: make([]int32, 0, m)}
}

// fewRow is the scratch of a worker.
type fewRow struct {
	pos  []int32
	mask []float32
	dist []float32 // of the negatives; NaN, which lies in no span, in place of the others
}

func newFewTask(s spec.Triplets) *fewTask {
	t := &fewTask{s: s, pos: newMaskRows[float32](s.Pos, s.N, s.M), neg: newMaskRows[float32](s.Neg, s.N, s.M)}
	spans := s.Spans()
	t.twin = twins(spans)
	for k, span := range spans {
		t.spans[k] = loops.Span{From: singleCut(span.From), To: singleCut(span.To)}
	}
	return t
}

// begin takes the inputs, makes sure that each worker has its scratch, and reports whether this
// is the way to go; gradient says that the last input is the gradient to the sums.
func (t *fewTask) begin(out, in [][]float32, gradient bool) bool {
	for len(t.rows) < loops.Threads() {
		t.rows = append(t.rows, newFewRow(t.s.M))
	}
	t.d, t.out = in[0], out
	in = t.neg.begin(t.pos.begin(in[1:]))
	if gradient {
		t.up = in[0]
	}
	return !t.many() && t.finite()
}

func (t *fewTask) run() {
	loops.DoAtMost(len(t.rows), (t.s.N+tripletGrain-1)/tripletGrain, t)
	t.d, t.up, t.out = nil, nil, nil
}

// Piece does some anchors.
func (t *fewTask) Piece(piece, worker int) {
	for a := piece * tripletGrain; a < min((piece+1)*tripletGrain, t.s.N); a++ {
		t.anchor(t.gather(t.rows[worker], a), a)
	}
}

// singleCut is the number c for which not δ ≥ c says that δ, a float32, is below the cut; NaN
// for the end of the line, below which everything is.
func singleCut(c spec.Cut) float32 {
	at := float32(c.At)
	switch {
	case !c.Closed:
		return at
	case math.IsInf(float64(at), 1):
		return float32(math.NaN())
	}
	return math.Nextafter32(at, float32(math.Inf(1)))
}

// gather reads anchor a's positives and the distances of its negatives.
func (t *fewTask) gather(r *fewRow, a int) *fewRow {
	m := t.s.M
	r.pos = loops.Marked(r.pos[:0], t.pos.row(a, r.mask))
	loops.Where(r.dist, t.d[a*m:(a+1)*m], t.neg.row(a, r.mask), float32(math.NaN()))
	return r
}

// fewPositives is Triplets in float32; sorted is for anchors with many positives.
func fewPositives(s spec.Triplets, sorted func(out, in [][]float32)) func(out, in [][]float32) {
	t := newFewTask(s)
	t.anchor = t.sums
	return func(out, in [][]float32) {
		if !t.begin(out, in, false) {
			sorted(out, in)
			return
		}
		t.run()
	}
}

// many tells whether the first anchor has many positives, as then most have.
func (t *fewTask) many() bool {
	return len(t.gather(t.rows[0], 0).pos) >= manyPositives
}

// finite tells whether all distances are. A NaN must come out of the sum, and no
// comparison finds it.
func (t *fewTask) finite() bool {
	_, finite := loops.Extreme(t.d, t.d, true)
	return finite
}

// sums fills row a of the result.
func (t *fewTask) sums(r *fewRow, a int) {
	var sums [spec.TripletOutputs]float64
	margin := float32(t.s.Margin)
	for _, p := range r.pos {
		ap := t.d[a*t.s.M+int(p)]
		var number int
		for k, span := range t.spans {
			var sum float64
			if !t.twin[k] {
				sum, number = span.Sum(r.dist, ap, margin)
			}
			if k == spec.TripletSum {
				sums[k] += sum
				continue
			}
			sums[k] += float64(number)
		}
	}
	for k, v := range sums {
		putAt(t.out[k], a, float32(v))
	}
}

// fewPositivesGrad is TripletsGrad in float32; sorted is for anchors with many positives.
func fewPositivesGrad(g spec.TripletsGrad, sorted func(out, in [][]float32)) func(out, in [][]float32) {
	t := newFewTask(spec.Triplets(g))
	t.anchor = func(r *fewRow, a int) { t.grad(t.out[0][a*g.M:(a+1)*g.M], r, a) }
	return func(out, in [][]float32) {
		if !t.begin(out, in, true) {
			sorted(out, in)
			return
		}
		t.run()
	}
}

// grad makes row a of the gradient: of each triplet in the span the positive gets the
// anchor's gradient and the negative as much less.
func (t *fewTask) grad(out []float32, r *fewRow, a int) {
	clear(out)
	up := t.up[a]
	if up == 0 {
		return
	}
	span := t.spans[spec.TripletSum]
	for _, p := range r.pos {
		ap := t.d[a*t.s.M+int(p)]
		_, number := span.Sum(r.dist, ap, 0)
		if number > 0 {
			span.AddGrad(out, r.dist, -1, ap)
		}
		out[p] += float32(number)
	}
	loops.Affine(out, out, up, 0)
}
