package device

import (
	"fmt"

	"medusa/internal/device/cpu"
)

// SumTo adds x, of shape From, up to shape To: over every axis where To is 1 and From is
// not. To has From's rank, or rank 0 for the sum of all.
type SumTo struct{ From, To []int }

func (s SumTo) String() string { return fmt.Sprintf("SumTo %v %v", s.From, s.To) }

func (s SumTo) cpu() Kernel { return host(sumTo[float32](s), sumTo[float64](s)) }

// sumsRows reports whether the sum is that of a matrix which is made row by row.
func (s SumTo) sumsRows() bool {
	return len(s.From) == 2 && s.From[1] >= shortRow && size(s.To) == 1
}

// shortRow is from how many elements on a row of a matrix is summed by itself.
const shortRow = 16

// sumTo gives every sum one fixed order: rows are added in float64, and the sum of all is
// made of row sums. So the error stays small for long sums in float32.
func sumTo[T cpu.Float](s SumTo) func(out []T, in [][]T) {
	if s.sumsRows() {
		return sumOfRows[T](s.From[0], s.From[1])
	}
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
			cpu.Parallel(w.width, max(columnGrain, rowGrain(w.rows)), columns)
		}
		for i, v := range acc {
			out[i] = T(v)
		}
	}
}

// sumOfRows is the sum of a matrix.
func sumOfRows[T cpu.Float](rows, cols int) func(out []T, in [][]T) {
	sums := make([]float64, rows)
	var x []T
	body := func(lo, hi int) {
		for r := lo; r < hi; r++ {
			sums[r] = cpu.Sum(x[r*cols : (r+1)*cols])
		}
	}
	return func(out []T, in [][]T) {
		x = in[0]
		cpu.Parallel(rows, rowGrain(cols), body)
		out[0] = T(inOrder(sums))
	}
}

// inOrder adds sums of rows up.
func inOrder(sums []float64) float64 {
	var total float64
	for _, v := range sums {
		total += v
	}
	return total
}

// columnGrain is how many columns at least are added up at once: of fewer, a row brings more into the
// cache than is read of it.
const columnGrain = 128

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
