package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	register(concat[float32], concat[float64])
	register(slice[float32], slice[float64])
	register(sliceGrad[float32], sliceGrad[float64])
}

func concat[T loops.Float](s spec.Concat) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		at := 0
		for r := range s.Rows {
			for i, w := range s.Widths {
				at += copy(out[at:at+w], in[i][r*w:(r+1)*w])
			}
		}
	}
}

func slice[T loops.Float](s spec.Slice) func(out []T, in [][]T) {
	n := s.To - s.From
	return func(out []T, in [][]T) {
		for r := range s.Rows {
			copy(out[r*n:(r+1)*n], in[0][r*s.Width+s.From:])
		}
	}
}

func sliceGrad[T loops.Float](s spec.SliceGrad) func(out []T, in [][]T) {
	n := s.To - s.From
	return func(out []T, in [][]T) {
		clear(out)
		for r := range s.Rows {
			copy(out[r*s.Width+s.From:], in[0][r*n:(r+1)*n])
		}
	}
}
