package device

import (
	"math"

	"medusa/internal/device/cpu"
)

// PairLogSumExp computes, from x (N, M), masks pos and neg (N, M) and among (M, M), for each pair
// (a, p) that pos holds
//
//	ln Σ over n with neg[a,n] of e^(x[a,n] + among[p,n])
//
// to (N, M): −∞ of an anchor without a negative, 0 where there is no pair. The inputs are x, those
// of the two masks, and among, which with Self is x and no input. Each pair takes O(M), so that all take time proportional to the
// number of pairs times M; memory is O(M) a worker.
//
// The exponents of a pair are added up before they are raised, less their maximum: were rows
// of e^x and of e^among multiplied, a sum whose one factor is too small for a number would be lost.
type PairLogSumExp struct {
	N, M     int
	Self     bool
	Pos, Neg Mask
}

func (s PairLogSumExp) cpu() Kernel {
	return host(pairLogSumExp[float32](s), pairLogSumExp[float64](s))
}

func pairLogSumExp[T cpu.Float](s PairLogSumExp) func(out []T, in [][]T) {
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
				t.reduce(w, neg, a, p)
				dst[p] = w.res[ReducedValue]
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

// PairLogSumExpGrad computes from the inputs of PairLogSumExp and the gradient (N, M) to its
// result that to x (N, M); with Self both as x and as among.
type PairLogSumExpGrad PairLogSumExp

func (s PairLogSumExpGrad) cpu() Kernel {
	return host(pairLogSumExpGrad[float32](s), pairLogSumExpGrad[float64](s))
}

func pairLogSumExpGrad[T cpu.Float](s PairLogSumExpGrad) func(out []T, in [][]T) {
	if PairLogSumExp(s).OfClasses() {
		return classLogSumExpGrad[T](PairLogSumExp(s))
	}
	t := newPairSums[T](PairLogSumExp(s))
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

// PairLogSumExpAmongGrad computes from the inputs of PairLogSumExpGrad the gradient to among
// (M, M).
type PairLogSumExpAmongGrad PairLogSumExp

func (s PairLogSumExpAmongGrad) cpu() Kernel {
	return host(pairLogSumExpAmongGrad[float32](s), pairLogSumExpAmongGrad[float64](s))
}

func pairLogSumExpAmongGrad[T cpu.Float](s PairLogSumExpAmongGrad) func(out []T, in [][]T) {
	t := newPairSums[T](PairLogSumExp(s))
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
type pairSums[T cpu.Float] struct {
	s            PairLogSumExp
	reduction    RowReduce
	pos, neg     maskRows[T]
	x, among, up []T
}

func newPairSums[T cpu.Float](s PairLogSumExp) *pairSums[T] {
	return &pairSums[T]{
		s: s, reduction: RowReduce{Op: RowLogSumExp, Rows: 1, Cols: s.M, K: 1, Empty: math.Inf(-1)},
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

// pairScratch is a worker's memory: rows of length M, and a reduction.
type pairScratch[T cpu.Float] struct{ pos, neg, sum, part, spare, res []T }

const pairScratchRows = 5

// each goes through rows, of which each may have many pairs.
func (t *pairSums[T]) each(rows int, body func(r int, scratch []T)) *eachRow[T] {
	return newEachRow(rows, pointGrain, pairScratchRows*t.s.M+ReduceColumns, body)
}

func (t *pairSums[T]) scratch(s []T) pairScratch[T] {
	m := t.s.M
	row := func(i int) []T { return s[i*m : (i+1)*m] }
	return pairScratch[T]{pos: row(0), neg: row(1), sum: row(2), part: row(3), spare: row(4), res: s[pairScratchRows*m:]}
}

// reduce makes the exponents of pair (a, p), in sum, and their reduction, in res.
func (t *pairSums[T]) reduce(w pairScratch[T], neg []T, a, p int) {
	m := t.s.M
	cpu.Add(w.sum, t.x[a*m:(a+1)*m], t.among[p*m:(p+1)*m])
	reduceLogSumExp(t.reduction, w.res, w.sum, neg, w.part)
}

// addGrad adds the gradient to the exponents of pair (a, p).
func (t *pairSums[T]) addGrad(dst []T, w pairScratch[T], neg []T, a, p int) {
	g := t.up[a*t.s.M+p]
	if g == 0 {
		return
	}
	t.reduce(w, neg, a, p)
	addPowers(dst, w.sum, neg, w.part, w.res, g, w.spare)
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
func addPowers[T cpu.Float](dst, x, mask, part, res []T, g T, spare []T) {
	switch total := res[ReducedTotal]; {
	case total == 0: // no entry
	case total == total:
		cpu.Axpy(dst, T(float64(g)/float64(total)), part)
	default:
		gradLogSumExp(part, x, mask, 1, res, g, spare)
		cpu.Add(dst, dst, part)
	}
}
