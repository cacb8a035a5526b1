package cpu

import (
	"math"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func classLogSumExp[T loops.Float](s spec.PairLogSumExp) func(out []T, in [][]T) {
	var out []T
	t := newClassSums(s, func(t *classSums[T], w *classScratch[T], a, p int) {
		w.reduce(t, a, p)
		out[a*t.n+p] = w.res.value
		out[p*t.n+a] = w.res.value
	})
	return func(o []T, in [][]T) {
		out = o
		clear(out)
		t.run(in)
		out = nil
	}
}

func classLogSumExpGrad[T loops.Float](s spec.PairLogSumExp) func(out []T, in [][]T) {
	var out, up []T
	t := newClassSums(s, func(t *classSums[T], w *classScratch[T], a, p int) {
		if g := up[a*t.n+p] + up[p*t.n+a]; g != 0 {
			w.reduce(t, a, p)
			addPowers(out[a*t.n:(a+1)*t.n], w.sum, w.neg, w.part, w.res, g, w.spare)
			addPowers(out[p*t.n:(p+1)*t.n], w.sum, w.neg, w.part, w.res, g, w.spare)
		}
	})
	return func(o []T, in [][]T) {
		out, up = o, in[3]
		clear(out)
		t.run(in)
		out, up = nil, nil
	}
}

// classSums goes through the pairs of rows of each class. The rows of one class are of one piece of
// work, which alone writes to them, in an order that depends on labels alone.
type classSums[T loops.Float] struct {
	n       int
	x       []T
	classes *classes[T]
	starts  []int32 // in classes.order, of each class
	neg     maskRows[T]
	tops    []T // of each row, the largest exponent among its negatives; NaN if there is none or one is not finite
	body    func(t *classSums[T], w *classScratch[T], a, p int)
	workers []*classScratch[T]
	rows    *eachRow[T]
}

func newClassSums[T loops.Float](s spec.PairLogSumExp, body func(t *classSums[T], w *classScratch[T], a, p int)) *classSums[T] {
	t := &classSums[T]{n: s.N, body: body, classes: newClasses[T](s.N), neg: newMaskRows[T](s.Neg, s.N, s.N), tops: make([]T, s.N)}
	t.rows = newEachRow(s.N, s.N, s.N, func(r int, scratch []T) {
		top, finite := loops.Extreme(t.x[r*t.n:(r+1)*t.n], t.neg.row(r, scratch), true)
		t.tops[r] = top
		if !finite || math.IsInf(float64(top), 0) {
			t.tops[r] = T(math.NaN())
		}
	})
	return t
}

func (t *classSums[T]) run(in [][]T) {
	t.x = in[0]
	t.classes.list(in[1])
	t.neg.begin(in[2:])
	t.rows.run()
	t.starts = t.starts[:0]
	for i, r := range t.classes.order {
		if int(t.classes.from[r]) == i {
			t.starts = append(t.starts, int32(i))
		}
	}
	for len(t.workers) < loops.Threads() {
		t.workers = append(t.workers, newClassScratch[T](t.n))
	}
	loops.DoAtMost(len(t.workers), len(t.starts), t)
	t.x = nil
}

// Piece does a class.
func (t *classSums[T]) Piece(piece, worker int) {
	w, start := t.workers[worker], t.starts[piece]
	first := t.classes.order[start]
	members := t.classes.order[start:t.classes.to[first]]
	w.neg = t.neg.row(int(first), w.mask)
	for i, a := range members {
		for _, p := range members[i+1:] {
			t.body(t, w, int(a), int(p))
		}
	}
}

// classScratch is a worker's memory: rows of length n, and a reduction.
type classScratch[T loops.Float] struct {
	mask, neg, sum, part, spare []T
	res                         reduction[T]
	reduction                   spec.RowReduce
}

func newClassScratch[T loops.Float](n int) *classScratch[T] {
	row := func() []T { return make([]T, n) }
	return &classScratch[T]{mask: row(), sum: row(), part: row(), spare: row(),
		reduction: spec.RowReduce{Op: spec.RowLogSumExp, Rows: 1, Cols: n, K: 1, Empty: math.Inf(-1)}}
}

// leastTotal is how small a sum of powers may be, less a number that is at least the largest exponent,
// for its terms to be exact still.
const leastTotal = 1e-20

// reduce makes the exponents of pair (a, p), in sum, and their reduction, in res. The sum of the
// rows' largest exponents is most often near enough to the largest sum to do in its place.
func (w *classScratch[T]) reduce(t *classSums[T], a, p int) {
	n := t.n
	loops.Add(w.sum, t.x[a*n:(a+1)*n], t.x[p*n:(p+1)*n])
	top := t.tops[a] + t.tops[p]
	if top-top == 0 { // finite
		loops.ExpWhere(w.part, w.sum, w.neg, 1, top)
		if total := loops.Sum(w.part); total > leastTotal {
			w.res = reduction[T]{T(float64(top) + math.Log(total)), top, T(total)}
			return
		}
	}
	w.res = reduceLogSumExp(w.reduction, w.sum, w.neg, w.part)
}
