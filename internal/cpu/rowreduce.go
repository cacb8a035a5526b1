package cpu

import (
	"math"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	register(rowReduce[float32], rowReduce[float64])
	register(rowReduceGrad[float32], rowReduceGrad[float64])
}

func rowReduce[T loops.Float](s spec.RowReduce) func(out []T, in [][]T) {
	var x, out []T
	n := s.Cols
	mask := newMaskRows[T](s.Mask, s.Rows, n)
	positives := positivesOf[T](s.Mask, s.Rows)
	rows := newEachRow(s.Rows, n, 2*n, func(r int, scratch []T) {
		row, chosen := chosenOf(&mask, positives, x[r*n:(r+1)*n], r, scratch)
		reduceRow(s, out[r*spec.ReduceColumns:(r+1)*spec.ReduceColumns], row, chosen, positives, r, scratch[n:n+len(row)])
	})
	return func(o []T, in [][]T) {
		x, out = in[0], o
		mask.begin(in[1:])
		if positives != nil {
			positives.list(in[1])
		}
		rows.run()
	}
}

// reduceRow writes to res what the chosen entries of row r make: of row, or of its positives alone where row is shorter.
func reduceRow[T loops.Float](s spec.RowReduce, res, row, chosen []T, positives *classes[T], r int, part []T) {
	if s.Op == spec.RowLogSumExp {
		reduceLogSumExp(s, res, row, chosen, part)
		return
	}
	reduceExtreme(s, res, row, chosen, part)
	if at := res[spec.ReducedAt]; len(row) < s.Cols && at >= 0 {
		res[spec.ReducedAt] = T(positives.place(int(at), r))
	}
}

// reduceExtreme writes the largest or smallest chosen entry of x and its place to res.
func reduceExtreme[T loops.Float](s spec.RowReduce, res, x, mask, part []T) {
	best, finite := loops.Extreme(x, mask, s.Op == spec.RowMax)
	at := -1
	switch {
	case !finite:
		at = extremeOfAny(s.Op, x, mask)
	case !math.IsInf(float64(best), 0):
		at = loops.FirstEqual(x, mask, best, part)
	}
	res[spec.ReducedValue], res[spec.ReducedAt], res[spec.ReducedTotal] = T(s.Empty), T(at), 0
	if at >= 0 {
		res[spec.ReducedValue] = x[at]
	}
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
	s        spec.RowReduceGrad
	mask     maskRows[T]
	x, y, dy []T
}

func newReduceRows[T loops.Float](s spec.RowReduceGrad) rowMaker[T] {
	t := &reduceRows[T]{s: s, mask: newMaskRows[T](s.Mask, s.Rows, s.Cols)}
	return rowMaker[T]{t.begin, t.row}
}

func (t *reduceRows[T]) begin(x []T, in [][]T) {
	in = t.mask.begin(in)
	t.x, t.y, t.dy = x, in[0], in[1]
}

func (t *reduceRows[T]) row(dst []T, r int, scratch []T) {
	n := t.s.Cols
	reduceRowGrad(t.s, dst, t.x[r*n:(r+1)*n], t.y, t.dy, r, scratch[n:], func() []T { return t.mask.row(r, scratch) })
}

// reduceRowGrad makes row r of RowReduceGrad; part is scratch memory. The row of the mask is asked for where it matters.
func reduceRowGrad[T loops.Float](s spec.RowReduceGrad, dst, x, ys, dys []T, r int, part []T, mask func() []T) {
	y, g := ys[r*spec.ReduceColumns:], dys[r*spec.ReduceColumns+spec.ReducedValue]
	if s.Op != spec.RowLogSumExp {
		clear(dst)
		if at := y[spec.ReducedAt]; at >= 0 {
			dst[int(at)] = g
		}
		return
	}
	gradLogSumExp(dst, x, mask(), T(s.K), y, g, part)
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
