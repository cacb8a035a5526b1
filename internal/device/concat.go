package device

import "medusa/internal/device/cpu"

// Concat puts its inputs side by side: input i is a matrix (Rows, Widths[i]). Tensors
// joined along an axis are such matrices, with the axes before it as rows.
type Concat struct {
	Rows   int
	Widths []int
}

func (s Concat) cpu() Kernel { return host(concat[float32](s), concat[float64](s)) }

func concat[T cpu.Float](s Concat) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		at := 0
		for r := range s.Rows {
			for i, w := range s.Widths {
				at += copy(out[at:at+w], in[i][r*w:(r+1)*w])
			}
		}
	}
}

// Slice computes the columns [From, To) of x (Rows, Width).
type Slice struct{ Rows, Width, From, To int }

func (s Slice) cpu() Kernel { return host(slice[float32](s), slice[float64](s)) }

func slice[T cpu.Float](s Slice) func(out []T, in [][]T) {
	n := s.To - s.From
	return func(out []T, in [][]T) {
		for r := range s.Rows {
			copy(out[r*n:(r+1)*n], in[0][r*s.Width+s.From:])
		}
	}
}

// SliceGrad computes a matrix (Rows, Width) that is dy in the columns [From, To) and 0
// elsewhere.
type SliceGrad Slice

func (s SliceGrad) cpu() Kernel { return host(sliceGrad[float32](s), sliceGrad[float64](s)) }

func sliceGrad[T cpu.Float](s SliceGrad) func(out []T, in [][]T) {
	n := s.To - s.From
	return func(out []T, in [][]T) {
		clear(out)
		for r := range s.Rows {
			copy(out[r*s.Width+s.From:], in[0][r*n:(r+1)*n])
		}
	}
}
