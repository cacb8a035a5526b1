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

// RowReduce reduces each row of K·x, x (Rows, Cols), over the entries where the mask of
// Pairs is not 0, to (Rows, ReduceColumns): the result, and what its gradient needs. K
// other than 1 is for RowLogSumExp alone. A row with no such entry gives Empty, and 0 in
// ReducedTotal.
type RowReduce struct {
	Op         Reduction
	Rows, Cols int
	K, Empty   float64
	Pairs      Pairs
}

func (s RowReduce) cpu() Kernel { return host(rowReduce[float32](s), rowReduce[float64](s)) }

func rowReduce[T cpu.Float](s RowReduce) func(out []T, in [][]T) {
	var x, mask, out []T
	n := s.Cols
	positives := positivesOf[T](s.Pairs, s.Rows)
	rows := newEachRow(s.Rows, n, 2*n, func(r int, scratch []T) {
		row, chosen := chosenOf(s.Pairs, positives, mask, x[r*n:(r+1)*n], r, scratch)
		part := scratch[n : n+len(row)]
		res := out[r*ReduceColumns : (r+1)*ReduceColumns]
		if s.Op == RowLogSumExp {
			reduceLogSumExp(s, res, row, chosen, part)
		} else {
			reduceExtreme(s, res, row, chosen, part)
			if at := res[ReducedAt]; len(row) < n && at >= 0 {
				res[ReducedAt] = T(positives.place(int(at), r))
			}
		}
	})
	return func(o []T, in [][]T) {
		x, mask, out = in[0], in[1], o
		if positives != nil {
			positives.list(mask)
		}
		rows.run()
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

// RowReduceGrad computes dx (Rows, Cols) from x, mask, the result y of RowReduce and its
// gradient dy, both (Rows, ReduceColumns), of which the column ReducedValue counts.
// The gradient of a maximum or minimum goes to the first entry that attains it.
type RowReduceGrad RowReduce

func (s RowReduceGrad) cpu() Kernel {
	return host(rowReduceGrad[float32](s), rowReduceGrad[float64](s))
}

func rowReduceGrad[T cpu.Float](s RowReduceGrad) func(out []T, in [][]T) {
	var x, mask, y, dy, dx []T
	n := s.Cols
	rows := newEachRow(s.Rows, n, 2*n, func(r int, scratch []T) {
		res, g := dx[r*n:(r+1)*n], dy[r*ReduceColumns+ReducedValue]
		if s.Op != RowLogSumExp {
			clear(res)
			if at := y[r*ReduceColumns+ReducedAt]; at >= 0 {
				res[int(at)] = g
			}
			return
		}
		chosen := maskRow(s.Pairs, mask, r, n, scratch)
		gradLogSumExp(res, x[r*n:(r+1)*n], chosen, T(s.K), y[r*ReduceColumns:], g, scratch[n:])
	})
	return func(o []T, in [][]T) {
		x, mask, y, dy, dx = in[0], in[1], in[2], in[3], o
		rows.run()
	}
}
