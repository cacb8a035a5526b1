package device

import (
	"fmt"
	"strings"

	"medusa/internal/device/cpu"
)

// Chain is what several specs compute of a matrix (Rows, Cols) one after the other, entry by entry: each row goes
// through all of them while it is in the nearest cache, and none of what stands between them is written to memory.
// Its last step ends it: a matrix as the others make, or RowTerms, RowReduce or SumTo, a column or a number, of the
// matrix before it. The graph of a machine of the CPU is made of it where it pays; the numbers are those of the specs, to
// the last bit.
type Chain struct {
	Rows, Cols int
	Leaves     []Leaf
	Steps      []ChainStep
}

// Leaf says how an input of a chain is stretched.
type Leaf string

// The kinds of Leaf.
const (
	WholeLeaf  Leaf = "whole"  // not at all: a step takes it as it is, such as labels
	MatrixLeaf Leaf = "matrix" // (Rows, Cols)
	ColumnLeaf Leaf = "column" // (Rows, 1)
	RowLeaf    Leaf = "row"    // (1, Cols)
	SingleLeaf Leaf = "single" // one number
)

// ChainStep is a spec and its inputs: numbers of leaves and, from len(Leaves) on, of steps. For Where, RowTerms,
// RowReduce and their gradients the inputs of the mask are one, the mask, which is a leaf or a step PairMask; or
// these inputs themselves of a last step.
type ChainStep struct {
	Spec any
	In   []int
}

func (s Chain) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Chain %d %d %v", s.Rows, s.Cols, s.Leaves)
	for _, step := range s.Steps {
		fmt.Fprintf(&b, "; %s %v", Describe(step.Spec), step.In)
	}
	return b.String()
}

// Chained reports whether a spec can be a step before the last one of a chain of matrices (rows, cols).
func Chained(spec any, rows, cols int) bool {
	switch s := spec.(type) {
	case Unary:
		return s.N == rows*cols
	case UnaryGrad:
		return s.N == rows*cols
	case Binary:
		return len(s.A) == 2 && max(s.A[0], s.B[0]) == rows && max(s.A[1], s.B[1]) == cols
	case Broadcast:
		return len(s.To) == 2 && s.To[0] == rows && s.To[1] == cols
	case Where:
		return s.Rows*s.Cols == rows*cols
	case RowTermsGrad:
		return s.Rows == rows && s.Cols == cols
	case RowReduceGrad:
		return s.Op == RowLogSumExp && s.Rows == rows && s.Cols == cols
	}
	return false
}

// EndsChain reports whether a spec can be the last step of a chain of matrices (rows, cols), making a column or a number of them.
func EndsChain(spec any, rows, cols int) bool {
	switch s := spec.(type) {
	case RowTerms:
		return s.Rows == rows && s.Cols == cols
	case RowReduce:
		return s.Rows == rows && s.Cols == cols
	case SumTo:
		return len(s.From) == 2 && s.From[0] == rows && s.From[1] == cols && (s.sumsRows() || len(s.To) == 2 && s.To[0] == rows && s.To[1] == 1)
	}
	return false
}

func (s Chain) cpu() Kernel { return host(chainOf[float32](s), chainOf[float64](s)) }

func chainOf[T cpu.Float](s Chain) func(out []T, in [][]T) {
	t := newChainTask[T](s)
	return t.run
}

// chainTask is a chain under way.
type chainTask[T cpu.Float] struct {
	s         Chain
	rows      chainRows[T]
	end       chainEnd[T]
	positives *classes[T] // of labels, where some of the work is for positive pairs alone
	few       bool        // the last step's mask is one of them
	out       []T
	sums      []float64 // of the rows, of a sum of all
	workers   []*chainWorker[T]
}

// chainEnd makes its part of the output of row r.
type chainEnd[T cpu.Float] func(out []T, r int, w *chainWorker[T])

func newChainTask[T cpu.Float](s Chain) *chainTask[T] {
	t := &chainTask[T]{s: s}
	steps := s.Steps
	last := steps[len(steps)-1]
	matrix := Chained(last.Spec, s.Rows, s.Cols)
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
	switch spec := last.Spec.(type) {
	case RowTerms:
		t.reduce(spec.Mask, last, func(out, row, chosen []T, r int, _ *chainWorker[T]) { addTerms(spec, out[2*r:2*r+2], row, chosen) })
	case RowReduce:
		t.reduce(spec.Mask, last, func(out, row, chosen []T, r int, w *chainWorker[T]) {
			reduceRow(spec, out[r*ReduceColumns:(r+1)*ReduceColumns], row, chosen, t.positives, r, w.part[:len(row)])
		})
	case SumTo:
		if spec.sumsRows() {
			t.sums = make([]float64, s.Rows)
			t.end = func(_ []T, r int, w *chainWorker[T]) { t.sums[r] = t.sum(r, w) }
			break
		}
		t.end = func(out []T, r int, w *chainWorker[T]) { out[r] = T(t.sum(r, w)) }
	}
	return t
}

// endLabels is the leaf of the labels whose positive pairs are the mask of a last step, −1 of others.
func endLabels(last ChainStep) int {
	var m Mask
	switch s := last.Spec.(type) {
	case RowTerms:
		m = s.Mask
	case RowReduce:
		m = s.Mask
	}
	if m.Pairs == Positive && m.Symmetric() {
		return last.In[1]
	}
	return -1
}

// reduce ends the chain by what of makes of a row and its mask.
func (t *chainTask[T]) reduce(m Mask, last ChainStep, of func(out, row, chosen []T, r int, w *chainWorker[T])) {
	mask := newMaskRows[T](m, t.s.Rows, t.s.Cols)
	t.rows.beginMask(&mask, last.In[1:])
	if t.few = t.rows.byColumn && endLabels(last) >= 0; t.few && t.positives == nil {
		t.positives = newClasses[T](t.s.Cols)
	}
	t.end = func(out []T, r int, w *chainWorker[T]) {
		if t.few && t.positives.few {
			w.columns = t.positives.others(w.columns[:0], r)
			of(out, t.rows.row(&t.rows.few, r, w, nil), t.positives.ones[:len(w.columns)], r, w)
			return
		}
		of(out, t.row(r, w, nil), mask.row(r, w.mask), r, w)
	}
}

// sum adds up row r, or those of its entries alone that are not 0: these in the order in which the whole row would be.
func (t *chainTask[T]) sum(r int, w *chainWorker[T]) float64 {
	if t.positives == nil || !t.positives.few || !t.rows.isFewStep(t.rows.value) {
		return cpu.Sum(t.row(r, w, nil))
	}
	w.columns = t.positives.others(w.columns[:0], r)
	return cpu.SumAt(t.rows.row(&t.rows.few, r, w, nil), w.columns)
}

// row is a whole row, of parts that have few entries where there are such.
func (t *chainTask[T]) row(r int, w *chainWorker[T], dst []T) []T {
	if t.positives == nil || !t.positives.few {
		return t.rows.row(&t.rows.whole, r, w, dst)
	}
	w.columns = t.positives.others(w.columns[:0], r)
	return t.rows.row(&t.rows.mixed, r, w, dst)
}

func (t *chainTask[T]) run(out []T, in [][]T) {
	t.out = out
	t.rows.begin(in)
	if t.positives != nil {
		t.positives.list(in[t.rows.labels])
	}
	for len(t.workers) < cpu.Threads() {
		t.workers = append(t.workers, t.rows.newWorker())
	}
	grain := rowGrain(t.s.Cols)
	cpu.DoAtMost(len(t.workers), (t.s.Rows+grain-1)/grain, t)
	if t.sums != nil {
		out[0] = T(inOrder(t.sums))
	}
	t.out = nil
}

// Piece does some rows.
func (t *chainTask[T]) Piece(piece, worker int) {
	grain := rowGrain(t.s.Cols)
	for r := piece * grain; r < min((piece+1)*grain, t.s.Rows); r++ {
		t.end(t.out, r, t.workers[worker])
	}
}
