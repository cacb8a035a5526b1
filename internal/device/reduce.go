package device

import (
	"fmt"
	"math"

	"medusa/internal/device/cpu"
)

// SumTo adds x, of shape From, up to shape To: over every axis where To is 1 and From is
// not. To has From's rank, or rank 0 for the sum of all.
type SumTo struct{ From, To []int }

func (s SumTo) String() string { return fmt.Sprintf("SumTo %v %v", s.From, s.To) }

func (s SumTo) cpu() Kernel { return host(sumTo[float32](s), sumTo[float64](s)) }

// sumTo gives every sum one fixed order: rows are added in float64, and the sum of all is
// made of row sums. So the error stays small for long sums in float32.
func sumTo[T cpu.Float](s SumTo) func(out []T, in [][]T) {
	to := s.To
	if len(to) == 0 {
		to = make([]int, len(s.From))
		for i := range to {
			to[i] = 1
		}
	}
	w := newWalk(to, s.From) // operand a is stretched over b
	var acc []float64
	var x []T
	partial := make([]float64, 0)
	if w.stepA == 0 {
		partial = make([]float64, w.rows)
	}
	rows := func(lo, hi int) {
		for r := lo; r < hi; r++ {
			_, ib := w.offsets(r)
			partial[r] = cpu.Sum(x[ib : ib+w.width])
		}
	}
	columns := func(lo, hi int) {
		for r := range w.rows {
			ia, ib := w.offsets(r)
			dst := acc[ia+lo : ia+hi]
			for i, v := range x[ib+lo : ib+hi] {
				dst[i] += float64(v)
			}
		}
	}
	return func(out []T, in [][]T) {
		if len(acc) != len(out) {
			acc = make([]float64, len(out))
		}
		clear(acc)
		if size(s.From) == 0 {
			clear(out)
			return
		}
		x = in[0]
		if w.stepA == 0 {
			cpu.Parallel(w.rows, rowGrain(w.width), rows)
			for r, sum := range partial {
				ia, _ := w.offsets(r)
				acc[ia] += sum
			}
		} else {
			cpu.Parallel(w.width, max(8, rowGrain(w.rows)), columns)
		}
		for i, v := range acc {
			out[i] = T(v)
		}
	}
}

// Broadcast stretches x, of shape From, to shape To; the other way round than SumTo.
type Broadcast struct{ From, To []int }

func (s Broadcast) String() string { return fmt.Sprintf("Broadcast %v %v", s.From, s.To) }

func (s Broadcast) cpu() Kernel { return host(broadcast[float32](s), broadcast[float64](s)) }

func broadcast[T cpu.Float](s Broadcast) func(out []T, in [][]T) {
	from := s.From
	if len(from) == 0 {
		from = make([]int, len(s.To))
		for i := range from {
			from[i] = 1
		}
	}
	w := newWalk(from, s.To)
	var x, out []T
	rows := func(lo, hi int) {
		for r := lo; r < hi; r++ {
			ia, ib := w.offsets(r)
			dst := out[ib : ib+w.width]
			if w.stepA == 1 {
				copy(dst, x[ia:])
				continue
			}
			v := x[ia]
			for i := range dst {
				dst[i] = v
			}
		}
	}
	return func(o []T, in [][]T) {
		x, out = in[0], o
		cpu.Parallel(w.rows, rowGrain(w.width), rows)
	}
}

func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// Reduction names what RowReduce makes of a row's chosen entries.
type Reduction string

// The reductions of RowReduce.
const (
	RowMax       Reduction = "max"
	RowMin       Reduction = "min"
	RowLogSumExp Reduction = "logsumexp"
)

// RowReduce reduces each row of K·x, x (Rows, Cols), over the entries where the mask of
// Pairs is not 0, to (Rows, 1); K other than 1 is for RowLogSumExp alone. A row with no
// such entry gives Empty.
type RowReduce struct {
	Op         Reduction
	Rows, Cols int
	K, Empty   float64
	Pairs      Pairs
}

func (s RowReduce) cpu() Kernel { return host(rowReduce[float32](s), rowReduce[float64](s)) }

func rowReduce[T cpu.Float](s RowReduce) func(out []T, in [][]T) {
	var x, mask, out []T
	k, n := T(s.K), s.Cols
	rows := newEachRow(s.Rows, n, 3*n, func(r int, scratch []T) {
		row, chosen, part := x[r*n:(r+1)*n], maskRow(s.Pairs, mask, r, n, scratch), scratch[n:2*n]
		if s.Op == RowLogSumExp {
			var ok bool
			if out[r], ok = scaledLogSumExp(row, chosen, k, part); ok {
				return
			}
			row = scratch[2*n:]
			cpu.Affine(row, x[r*n:(r+1)*n], k, 0)
		}
		out[r] = reduceRow(s, row, chosen, part)
	})
	return func(o []T, in [][]T) {
		x, mask, out = in[0], in[1], o
		rows.run()
	}
}

func reduceRow[T cpu.Float](s RowReduce, x, mask, part []T) T {
	best, finite := cpu.Extreme(x, mask, s.Op != RowMin)
	if !finite {
		return reduceAny(s, x, mask, part)
	}
	switch {
	case math.IsInf(float64(best), 0):
		return T(s.Empty)
	case s.Op != RowLogSumExp:
		return best
	}
	return logSumExpAt(x, mask, best, part)
}

// reduceAny is reduceRow for a row with numbers that are not finite.
func reduceAny[T cpu.Float](s RowReduce, x, mask, part []T) T {
	best := -1
	for i, v := range x {
		if mask[i] == 0 {
			continue
		}
		if best < 0 || s.Op == RowMin && v < x[best] || s.Op != RowMin && v > x[best] || v != v {
			best = i
		}
	}
	if best < 0 {
		return T(s.Empty)
	}
	if s.Op != RowLogSumExp {
		return x[best]
	}
	return logSumExpAt(x, mask, x[best], part)
}

// RowReduceGrad computes dx (Rows, Cols) from x, mask, y (Rows, 1) and dy (Rows, 1).
// The gradient of a maximum or minimum goes to the first entry that attains it.
type RowReduceGrad RowReduce

func (s RowReduceGrad) cpu() Kernel {
	return host(rowReduceGrad[float32](s), rowReduceGrad[float64](s))
}

func rowReduceGrad[T cpu.Float](s RowReduceGrad) func(out []T, in [][]T) {
	var x, mask, y, dy, dx []T
	k, n := T(s.K), s.Cols
	rows := newEachRow(s.Rows, n, 2*n, func(r int, scratch []T) {
		res, row, chosen := dx[r*n:(r+1)*n], x[r*n:(r+1)*n], maskRow(s.Pairs, mask, r, n, scratch)
		if s.Op != RowLogSumExp {
			gradExtreme(res, row, chosen, y[r], dy[r])
			return
		}
		gradLogSumExp(res, row, chosen, k, dy[r], scratch[n:])
	})
	return func(o []T, in [][]T) {
		x, mask, y, dy, dx = in[0], in[1], in[2], in[3], o
		rows.run()
	}
}

func gradExtreme[T cpu.Float](dx, x, mask []T, y, dy T) {
	clear(dx)
	for i, v := range x {
		if mask[i] != 0 && (v == y || v != v) {
			dx[i] = dy
			return
		}
	}
}
