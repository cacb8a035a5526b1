package cpu

import (
	"math"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	register(pairLogSumExp[float32], pairLogSumExp[float64])
	register(pairLogSumExpGrad[float32], pairLogSumExpGrad[float64])
	register(pairLogSumExpAmongGrad[float32], pairLogSumExpAmongGrad[float64])
}

func pairLogSumExp[T loops.Float](s spec.PairLogSumExp) func(out []T, in [][]T) {
	if s.OfClasses() {
		return classLogSumExp[T](s)
	}
	t := newPairSums[T](s)
	var out []T
	rows := t.each(s.N, func(a int, scratch []T) {
		w := t.scratch(scratch)
		neg, dst := t.neg.row(a, w.neg), out[a*s.M:(a+1)*s.M]
		for p, m := range t.pos.row(a, w.pos) {
			dst[p] = 0
			if m != 0 {
				dst[p] = t.reduce(w, neg, a, p).value
			}
		}
	})
	return func(o []T, in [][]T) {
		out = o
		t.begin(in)
		rows.run()
		out = nil
	}
}

func pairLogSumExpGrad[T loops.Float](s spec.PairLogSumExpGrad) func(out []T, in [][]T) {
	if spec.PairLogSumExp(s).OfClasses() {
		return classLogSumExpGrad[T](spec.PairLogSumExp(s))
	}
	t := newPairSums[T](spec.PairLogSumExp(s))
	var out []T
	rows := t.each(s.N, func(a int, scratch []T) {
		w := t.scratch(scratch)
		neg, dst := t.neg.row(a, w.neg), out[a*s.M:(a+1)*s.M]
		clear(dst)
		for p, m := range t.pos.row(a, w.pos) {
			if m != 0 {
				t.addGrad(dst, w, neg, a, p)
			}
		}
		if s.Self {
			t.addAmongGrad(dst, w, a)
		}
	})
	return func(o []T, in [][]T) {
		out = o
		t.up = t.begin(in)[0]
		rows.run()
		out = nil
	}
}

func pairLogSumExpAmongGrad[T loops.Float](s spec.PairLogSumExpAmongGrad) func(out []T, in [][]T) {
	t := newPairSums[T](spec.PairLogSumExp(s))
	var out []T
	rows := t.each(s.M, func(p int, scratch []T) {
		w, dst := t.scratch(scratch), out[p*s.M:(p+1)*s.M]
		clear(dst)
		t.addAmongGrad(dst, w, p)
	})
	return func(o []T, in [][]T) {
		out = o
		t.up = t.begin(in)[0]
		rows.run()
		out = nil
	}
}

// pairSums is what the three have in common.
type pairSums[T loops.Float] struct {
	s            spec.PairLogSumExp
	reduction    spec.RowReduce
	pos, neg     maskRows[T]
	x, among, up []T
}

func newPairSums[T loops.Float](s spec.PairLogSumExp) *pairSums[T] {
	return &pairSums[T]{
		s: s, reduction: spec.RowReduce{Op: spec.RowLogSumExp, Rows: 1, Cols: s.M, K: 1, Empty: math.Inf(-1)},
		pos: newMaskRows[T](s.Pos, s.N, s.M), neg: newMaskRows[T](s.Neg, s.N, s.M),
	}
}

// begin takes the inputs and returns those after them.
func (t *pairSums[T]) begin(in [][]T) [][]T {
	t.x = in[0]
	in = t.neg.begin(t.pos.begin(in[1:]))
	if t.s.Self {
		t.among = t.x
		return in
	}
	t.among = in[0]
	return in[1:]
}

// pairScratch is a worker's memory: rows of length M.
type pairScratch[T loops.Float] struct{ pos, neg, sum, part, spare []T }

const pairScratchRows = 5

// each goes through rows, of which each may have many pairs.
func (t *pairSums[T]) each(rows int, body func(r int, scratch []T)) *eachRow[T] {
	return newEachRow(rows, pointGrain, pairScratchRows*t.s.M, body)
}

func (t *pairSums[T]) scratch(s []T) pairScratch[T] {
	m := t.s.M
	row := func(i int) []T { return s[i*m : (i+1)*m] }
	return pairScratch[T]{pos: row(0), neg: row(1), sum: row(2), part: row(3), spare: row(4)}
}

// reduce makes the exponents of pair (a, p), in sum, and is their reduction.
func (t *pairSums[T]) reduce(w pairScratch[T], neg []T, a, p int) reduction[T] {
	m := t.s.M
	loops.Add(w.sum, t.x[a*m:(a+1)*m], t.among[p*m:(p+1)*m])
	return reduceLogSumExp(t.reduction, w.sum, neg, w.part)
}

// addGrad adds the gradient to the exponents of pair (a, p).
func (t *pairSums[T]) addGrad(dst []T, w pairScratch[T], neg []T, a, p int) {
	g := t.up[a*t.s.M+p]
	if g == 0 {
		return
	}
	res := t.reduce(w, neg, a, p)
	addPowers(dst, w.sum, neg, w.part, res, g, w.spare)
}

// addAmongGrad adds the gradient to row p of among, which comes of the anchors whose positive p is.
func (t *pairSums[T]) addAmongGrad(dst []T, w pairScratch[T], p int) {
	for a := range t.s.N {
		if t.pos.has(a, p) {
			t.addGrad(dst, w, t.neg.row(a, w.neg), a, p)
		}
	}
}

// addPowers adds the gradient g to ln Σ e^x over a mask, that to x, where part and res are what
// reduceLogSumExp made of it: the powers are there already, unless a number is not finite.
func addPowers[T loops.Float](dst, x, mask, part []T, res reduction[T], g T, spare []T) {
	switch total := res.total; {
	case total == 0: // no entry
	case total == total:
		loops.Axpy(dst, T(float64(g)/float64(total)), part)
	default:
		gradLogSumExp(part, x, mask, 1, res.at, total, g, spare)
		loops.Add(dst, dst, part)
	}
}
