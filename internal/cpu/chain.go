package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	registerSeveral(chainOf[float32], chainOf[float64])
}

func chainOf[T loops.Float](s spec.Chain) func(out, in [][]T) {
	t := newChainTask[T](s)
	return t.run
}

// chainTask is a chain under way.
type chainTask[T loops.Float] struct {
	s         spec.Chain
	rows      chainRows[T]
	end       chainEnd[T]
	positives *classes[T]     // of labels, where some of the work is for positive pairs alone
	few       bool            // the last step's mask is one of them
	out       []T             // the first output
	terms     termOutputs[T]  // of RowTerms
	reduced   reductions[T]   // of RowReduce
	several   func(out [][]T) // takes the outputs of these
	sums      []float64       // of the rows, of a sum of all
	workers   []*chainWorker[T]
}

// chainEnd makes its part of the output of row r.
type chainEnd[T loops.Float] func(out []T, r int, w *chainWorker[T])

func newChainTask[T loops.Float](s spec.Chain) *chainTask[T] {
	t := &chainTask[T]{s: s}
	steps := s.Steps
	last := steps[len(steps)-1]
	matrix := spec.Chained(last.Spec, s.Rows, s.Cols)
	if !matrix {
		steps = steps[:len(steps)-1]
	}
	value := len(s.Leaves) + len(steps) - 1 // what the end reads
	if !matrix {
		value = last.In[0]
	}
	t.rows = newChainRows[T](s, steps, value, endLabels(last))
	t.positives = t.rows.positives()
	t.end = func(out []T, r int, w *chainWorker[T]) {
		dst := out[r*s.Cols : (r+1)*s.Cols]
		if row := t.row(r, w, dst); &row[0] != &dst[0] {
			copy(dst, row)
		}
	}
	switch what := last.Spec.(type) {
	case spec.RowTerms:
		t.reduce(what.Mask, last, func(row, chosen []T, r int, _ *chainWorker[T]) {
			c := t.rows.hingeAt(what, last.In[1+what.Mask.Inputs():])
			t.terms.put(r, sumTerms(what, c, row, chosen, t.terms.hinges != nil))
		})
		t.several = func(out [][]T) { t.terms = termsIn(out) }
	case spec.RowReduce:
		t.reduce(what.Mask, last, func(row, chosen []T, r int, w *chainWorker[T]) {
			t.reduced.put(r, reduceRow(what, row, chosen, t.positives, r, w.part[:len(row)]))
		})
		t.several = func(out [][]T) { t.reduced = reductionsIn(out) }
	case spec.SumTo:
		if what.SumsRows() {
			t.sums = make([]float64, s.Rows)
			t.end = func(_ []T, r int, w *chainWorker[T]) { t.sums[r] = t.sum(r, w) }
			break
		}
		t.end = func(out []T, r int, w *chainWorker[T]) { out[r] = T(t.sum(r, w)) }
	}
	return t
}

// endLabels is the leaf of the labels whose positive pairs are the mask of a last step, −1 of others.
func endLabels(last spec.ChainStep) int {
	var m spec.Mask
	switch s := last.Spec.(type) {
	case spec.RowTerms:
		m = s.Mask
	case spec.RowReduce:
		m = s.Mask
	}
	if m.Pairs == spec.Positive && m.Symmetric() {
		return last.In[1]
	}
	return -1
}

// reduce ends the chain by what of makes of a row and its mask.
func (t *chainTask[T]) reduce(m spec.Mask, last spec.ChainStep, of func(row, chosen []T, r int, w *chainWorker[T])) {
	mask := newMaskRows[T](m, t.s.Rows, t.s.Cols)
	t.rows.beginMask(&mask, last.In[1:])
	if t.few = t.rows.byColumn && endLabels(last) >= 0; t.few && t.positives == nil {
		t.positives = newClasses[T](t.s.Cols)
	}
	t.end = func(_ []T, r int, w *chainWorker[T]) {
		if t.few && t.positives.few {
			w.columns = t.positives.others(w.columns[:0], r)
			of(t.rows.row(&t.rows.few, r, w, nil), t.positives.ones[:len(w.columns)], r, w)
			return
		}
		of(t.row(r, w, nil), mask.row(r, w.mask), r, w)
	}
}

// sum adds up row r, or those of its entries alone that are not 0: these in the order in which the whole row would be.
func (t *chainTask[T]) sum(r int, w *chainWorker[T]) float64 {
	few := t.hasFew(r, w)
	if few && t.rows.isFewStep(t.rows.value) && t.rows.outside(t.rows.value) == 0 {
		return loops.SumAt(t.rows.row(&t.rows.few, r, w, nil), w.columns)
	}
	return loops.Sum(t.rows.row(t.rows.plan(few), r, w, nil))
}

// row is a whole row, of parts that have few entries where there are such.
func (t *chainTask[T]) row(r int, w *chainWorker[T], dst []T) []T {
	return t.rows.row(t.rows.plan(t.hasFew(r, w)), r, w, dst)
}

// hasFew finds the columns of few entries of row r, and reports whether there are few.
func (t *chainTask[T]) hasFew(r int, w *chainWorker[T]) bool {
	switch {
	case t.rows.chosen >= 0:
		return t.rows.hasFewOf(r, w)
	case t.positives == nil || !t.positives.few:
		return false
	}
	w.columns = t.positives.others(w.columns[:0], r)
	return true
}

func (t *chainTask[T]) run(out, in [][]T) {
	t.out = out[0]
	if t.several != nil {
		t.several(out)
	}
	t.rows.begin(in)
	if t.positives != nil {
		t.positives.list(in[t.rows.labels])
	}
	for len(t.workers) < loops.Threads() {
		t.workers = append(t.workers, t.rows.newWorker())
	}
	grain := rowGrain(t.s.Cols)
	loops.DoAtMost(len(t.workers), (t.s.Rows+grain-1)/grain, t)
	if t.sums != nil {
		t.out[0] = T(inOrder(t.sums))
	}
	t.out, t.terms, t.reduced = nil, termOutputs[T]{}, reductions[T]{}
}

// Piece does some rows.
func (t *chainTask[T]) Piece(piece, worker int) {
	grain := rowGrain(t.s.Cols)
	for r := piece * grain; r < min((piece+1)*grain, t.s.Rows); r++ {
		t.end(t.out, r, t.workers[worker])
	}
}
