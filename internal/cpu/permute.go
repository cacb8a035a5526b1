package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	register(permute[float32], permute[float64])
}

// permute copies runs of numbers that stay side by side, or turns matrices: those of the axis
// that is the last one of x and the one that is the last one of the result.
func permute[T loops.Float](s spec.Permute) func(out []T, in [][]T) {
	sizes, strides := s.Folded()
	if len(sizes) < 2 {
		return copyAll[T]
	}
	last := len(sizes) - 1
	rows, inner := 0, strides[last] // axis of the result along which x goes on
	for i, by := range strides {
		if by == 1 {
			rows = i
		}
	}
	steps := make([]int, len(sizes)) // of the result
	for i, n := last, 1; i >= 0; i-- {
		steps[i] = n
		n *= sizes[i]
	}
	others, runs := otherAxes(sizes, strides, steps, rows, last), 1
	for _, o := range others {
		runs *= o.size
	}
	width := sizes[last]
	if rows != last {
		// A strip is the turn of some columns of x to rows of the result.
		strip := max(1, min(sizes[rows], rowGrain(width)))
		strips := (sizes[rows] + strip - 1) / strip
		var x, y []T
		body := func(lo, hi int) {
			for i := lo; i < hi; i++ {
				from, to := placesOf(others, i/strips)
				c := i % strips * strip
				loops.Transpose(y[to+c*steps[rows]:], steps[rows], x[from+c:], inner, width, min(strip, sizes[rows]-c))
			}
		}
		return func(out []T, in [][]T) {
			x, y = in[0], out
			loops.Parallel(runs*strips, max(1, pointGrain/(strip*width)), body)
		}
	}
	var x, y []T
	body := func(lo, hi int) {
		for i := lo; i < hi; i++ {
			from, to := placesOf(others, i)
			copy(y[to:to+width], x[from:from+width])
		}
	}
	return func(out []T, in [][]T) {
		x, y = in[0], out
		loops.Parallel(runs, rowGrain(width), body)
	}
}

// permutedAxis is an axis of the result: how many numbers lie between two of its entries in x,
// and in the result.
type permutedAxis struct{ size, from, to int }

// otherAxes is all axes but two.
func otherAxes(sizes, strides, steps []int, a, b int) (others []permutedAxis) {
	for i, n := range sizes {
		if i != a && i != b {
			others = append(others, permutedAxis{n, strides[i], steps[i]})
		}
	}
	return others
}

// placesOf is where entry i of the axes lies in x and in the result.
func placesOf(axes []permutedAxis, i int) (from, to int) {
	for k := len(axes) - 1; k >= 0; k-- {
		j := i % axes[k].size
		i /= axes[k].size
		from += j * axes[k].from
		to += j * axes[k].to
	}
	return from, to
}
