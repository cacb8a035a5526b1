package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	register(sumTo[float32], sumTo[float64])
	register(broadcast[float32], broadcast[float64])
}

// sumTo gives every sum one fixed order: rows are added in float64, and the sum of all is
// made of row sums. So the error stays small for long sums in float32.
func sumTo[T loops.Float](s spec.SumTo) func(out []T, in [][]T) {
	if s.SumsRows() {
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
			partial[r] = loops.Sum(x[ib : ib+w.width])
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
			loops.Parallel(w.rows, rowGrain(w.width), rows)
			for r, sum := range partial {
				ia, _ := w.offsets(r)
				acc[ia] += sum
			}
		} else {
			loops.Parallel(w.width, max(columnGrain, rowGrain(w.rows)), columns)
		}
		for i, v := range acc {
			out[i] = T(v)
		}
	}
}

// sumOfRows is the sum of a matrix.
func sumOfRows[T loops.Float](rows, cols int) func(out []T, in [][]T) {
	sums := make([]float64, rows)
	var x []T
	body := func(lo, hi int) {
		for r := lo; r < hi; r++ {
			sums[r] = loops.Sum(x[r*cols : (r+1)*cols])
		}
	}
	return func(out []T, in [][]T) {
		x = in[0]
		loops.Parallel(rows, rowGrain(cols), body)
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

func broadcast[T loops.Float](s spec.Broadcast) func(out []T, in [][]T) {
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
		loops.Parallel(w.rows, rowGrain(w.width), rows)
	}
}

func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
