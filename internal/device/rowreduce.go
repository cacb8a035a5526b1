package device

import (
	"math"

	"medusa/internal/device/cpu"
)

// Reduction names what RowReduce makes of a row's chosen entries.
type Reduction string

// The reductions of RowReduce.
const (
	RowMax       Reduction = "max"
	RowMin       Reduction = "min"
	RowLogSumExp Reduction = "logsumexp"
)

// The columns of what RowReduce computes for each row.
const (
	ReducedValue  = iota // the reduction
	ReducedAt            // of RowMax and RowMin the first place where it is attained, −1 if none; of RowLogSumExp the largest exponent
	ReducedTotal         // of RowLogSumExp the sum of all powers divided by the largest; NaN if not all exponents are finite
	ReduceColumns        // how many columns there are
)

// RowReduce reduces each row of K·x, x (Rows, Cols), over the entries where the mask
// is not 0, to (Rows, ReduceColumns): the result, and what its gradient needs. K
// other than 1 is for RowLogSumExp alone. A row with no such entry gives Empty, and 0 in
// ReducedTotal.
type RowReduce struct {
	Op         Reduction
	Rows, Cols int
	K, Empty   float64
	Mask       Mask
}

func (s RowReduce) cpu() Kernel { return host(rowReduce[float32](s), rowReduce[float64](s)) }

func rowReduce[T cpu.Float](s RowReduce) func(out []T, in [][]T) {
	var x, out []T
	n := s.Cols
	mask := newMaskRows[T](s.Mask, s.Rows, n)
	positives := positivesOf[T](s.Mask, s.Rows)
	rows := newEachRow(s.Rows, n, 2*n, func(r int, scratch []T) {
		row, chosen := chosenOf(&mask, positives, x[r*n:(r+1)*n], r, scratch)
		reduceRow(s, out[r*ReduceColumns:(r+1)*ReduceColumns], row, chosen, positives, r, scratch[n:n+len(row)])
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
func reduceRow[T cpu.Float](s RowReduce, res, row, chosen []T, positives *classes[T], r int, part []T) {
	if s.Op == RowLogSumExp {
		reduceLogSumExp(s, res, row, chosen, part)
		return
	}
	reduceExtreme(s, res, row, chosen, part)
	if at := res[ReducedAt]; len(row) < s.Cols && at >= 0 {
		res[ReducedAt] = T(positives.place(int(at), r))
	}
}

// reduceExtreme writes the largest or smallest chosen entry of x and its place to res.
func reduceExtreme[T cpu.Float](s RowReduce, res, x, mask, part []T) {
	best, finite := cpu.Extreme(x, mask, s.Op == RowMax)
	at := -1
	switch {
	case !finite:
		at = extremeOfAny(s.Op, x, mask)
	case !math.IsInf(float64(best), 0):
		at = cpu.FirstEqual(x, mask, best, part)
	}
	res[ReducedValue], res[ReducedAt], res[ReducedTotal] = T(s.Empty), T(at), 0
	if at >= 0 {
		res[ReducedValue] = x[at]
	}
}

// extremeOfAny is the place of the largest or smallest chosen entry of a row with numbers
// that are not finite, of the first NaN if there is one, and −1 if none is chosen.
func extremeOfAny[T cpu.Float](op Reduction, x, mask []T) int {
	best := -1
	for i, v := range x {
		if mask[i] == 0 {
			continue
		}
		if v != v {
			return i
		}
		if best < 0 || op == RowMin && v < x[best] || op == RowMax && v > x[best] {
			best = i
		}
	}
	return best
}

// RowReduceGrad computes dx (Rows, Cols) from x, the mask's inputs, the result y of RowReduce
// and its gradient dy, both (Rows, ReduceColumns), of which the column ReducedValue counts.
// The gradient of a maximum or minimum goes to the first entry that attains it.
type RowReduceGrad RowReduce

func (s RowReduceGrad) cpu() Kernel {
	return host(rowReduceGrad[float32](s), rowReduceGrad[float64](s))
}

func rowReduceGrad[T cpu.Float](s RowReduceGrad) func(out []T, in [][]T) {
	return kernelOfRows(s.Rows, s.Cols, newReduceRows[T](s))
}

// reduceRows makes rows of RowReduceGrad.
type reduceRows[T cpu.Float] struct {
	s        RowReduceGrad
	mask     maskRows[T]
	x, y, dy []T
}

func newReduceRows[T cpu.Float](s RowReduceGrad) rowMaker[T] {
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
func reduceRowGrad[T cpu.Float](s RowReduceGrad, dst, x, ys, dys []T, r int, part []T, mask func() []T) {
	y, g := ys[r*ReduceColumns:], dys[r*ReduceColumns+ReducedValue]
	if s.Op != RowLogSumExp {
		clear(dst)
		if at := y[ReducedAt]; at >= 0 {
			dst[int(at)] = g
		}
		return
	}
	gradLogSumExp(dst, x, mask(), T(s.K), y, g, part)
}

// rowMaker makes the gradient to a matrix row by row: begin takes the matrix and what else it comes
// from; scratch holds two rows.
type rowMaker[T cpu.Float] struct {
	begin func(x []T, in [][]T)
	row   func(dst []T, r int, scratch []T)
}

// kernelOfRows makes a matrix (rows, cols) of the rows; its first input is the matrix x.
func kernelOfRows[T cpu.Float](rows, cols int, m rowMaker[T]) func(out []T, in [][]T) {
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
