package cpu

import (
	"math"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	registerSeveral(rowReduce[float32], rowReduce[float64])
	register(rowReduceGrad[float32], rowReduceGrad[float64])
}

func rowReduce[T loops.Float](s spec.RowReduce) func(out, in [][]T) {
	var x []T
	var to reductions[T]
	n := s.Cols
	mask := newMaskRows[T](s.Mask, s.Rows, n)
	positives := positivesOf[T](s.Mask, s.Rows)
	rows := newEachRow(s.Rows, n, 2*n, func(r int, scratch []T) {
		row, chosen := chosenOf(&mask, positives, x[r*n:(r+1)*n], r, scratch)
		to.put(r, reduceRow(s, row, chosen, positives, r, scratch[n:n+len(row)]))
	})
	return func(out, in [][]T) {
		x, to = in[0], reductionsIn(out)
		mask.begin(in[1:])
		if positives != nil {
			positives.list(in[1])
		}
		rows.run()
	}
}

// reduction is what RowReduce makes of a row: see its outputs.
type reduction[T loops.Float] struct{ value, at, total T }

// reductions are the outputs of RowReduce.
type reductions[T loops.Float] struct{ value, at, total []T }

func reductionsIn[T loops.Float](out [][]T) reductions[T] {
	to := reductions[T]{value: out[0], at: out[spec.ReducedAt]}
	if len(out) > spec.ReducedTotal {
		to.total = out[spec.ReducedTotal]
	}
	return to
}

func (to *reductions[T]) put(r int, of reduction[T]) {
	to.value[r] = of.value
	putAt(to.at, r, of.at)
	putAt(to.total, r, of.total)
}

// reduceRow is what the chosen entries of row r make: of row, or of its positives alone where row is shorter.
func reduceRow[T loops.Float](s spec.RowReduce, row, chosen []T, positives *classes[T], r int, part []T) reduction[T] {
	if s.Op == spec.RowLogSumExp {
		return reduceLogSumExp(s, row, chosen, part)
	}
	at := extremeAt(s.Op, row, chosen, part)
	if at < 0 {
		return reduction[T]{value: T(s.Empty), at: -1}
	}
	value := row[at]
	if len(row) < s.Cols {
		at = positives.place(at, r)
	}
	return reduction[T]{value: value, at: T(at)}
}

// extremeAt is the place of the largest or smallest chosen entry of x, −1 if none is chosen.
func extremeAt[T loops.Float](op spec.Reduction, x, mask, part []T) int {
	best, finite := loops.Extreme(x, mask, op == spec.RowMax)
	switch {
	case !finite:
		return extremeOfAny(op, x, mask)
	case !math.IsInf(float64(best), 0):
		return loops.FirstEqual(x, mask, best, part)
	}
	return -1
}

// extremeOfAny is the place of the largest or smallest chosen entry of a row with numbers
// that are not finite, of the first NaN if there is one, and −1 if none is chosen.
func extremeOfAny[T loops.Float](op spec.Reduction, x, mask []T) int {
	best := -1
	for i, v := range x {
		if mask[i] == 0 {
			continue
		}
		if v != v {
			return i
		}
		if best < 0 || op == spec.RowMin && v < x[best] || op == spec.RowMax && v > x[best] {
			best = i
		}
	}
	return best
}

func rowReduceGrad[T loops.Float](s spec.RowReduceGrad) func(out []T, in [][]T) {
	return kernelOfRows(s.Rows, s.Cols, newReduceRows[T](s))
}

// reduceRows makes rows of RowReduceGrad.
type reduceRows[T loops.Float] struct {
	s    spec.RowReduceGrad
	mask maskRows[T]
	x    []T
	of   reducedRows[T]
}

// reducedRows are what RowReduceGrad reads of what RowReduce made, and the gradient to that.
type reducedRows[T loops.Float] struct{ at, total, dy []T }

// reducedRowsIn takes them of the last inputs.
func reducedRowsIn[T loops.Float](s spec.RowReduceGrad, in [][]T) reducedRows[T] {
	if s.Op == spec.RowLogSumExp {
		return reducedRows[T]{in[0], in[1], in[2]}
	}
	return reducedRows[T]{at: in[0], dy: in[1]}
}

func newReduceRows[T loops.Float](s spec.RowReduceGrad) rowMaker[T] {
	t := &reduceRows[T]{s: s, mask: newMaskRows[T](s.Mask, s.Rows, s.Cols)}
	return rowMaker[T]{t.begin, t.row}
}

func (t *reduceRows[T]) begin(x []T, in [][]T) {
	t.x, t.of = x, reducedRowsIn(t.s, t.mask.begin(in))
}

func (t *reduceRows[T]) row(dst []T, r int, scratch []T) {
	n := t.s.Cols
	reduceRowGrad(t.s, dst, t.x[r*n:(r+1)*n], t.of, r, scratch[n:], func() []T { return t.mask.row(r, scratch) })
}

// reduceRowGrad makes row r of RowReduceGrad; part is scratch memory. The row of the mask is asked for where it matters.
func reduceRowGrad[T loops.Float](s spec.RowReduceGrad, dst, x []T, of reducedRows[T], r int, part []T, mask func() []T) {
	if s.Op != spec.RowLogSumExp {
		clear(dst)
		if at := of.at[r]; at >= 0 {
			dst[int(at)] = of.dy[r]
		}
		return
	}
	gradLogSumExp(dst, x, mask(), T(s.K), of.at[r], of.total[r], of.dy[r], part)
}

// rowMaker makes the gradient to a matrix row by row: begin takes the matrix and what else it comes
// from; scratch holds two rows.
type rowMaker[T loops.Float] struct {
	begin func(x []T, in [][]T)
	row   func(dst []T, r int, scratch []T)
}

// kernelOfRows makes a matrix (rows, cols) of the rows; its first input is the matrix x.
func kernelOfRows[T loops.Float](rows, cols int, m rowMaker[T]) func(out []T, in [][]T) {
	var out []T
	each := newEachRow(rows, cols, 2*cols, func(r int, scratch []T) {
		m.row(out[r*cols:(r+1)*cols], r, scratch)
	})
	return func(o []T, in [][]T) {
		out = o
		m.begin(in[0], in[1:])
		each.run()
	}
}
