package device

import "medusa/internal/device/cpu"

// MatMul computes op(A)·op(B): A is M×K or, with TransA, K×M; B is K×N or, with TransB,
// N×K.
type MatMul struct {
	TransA, TransB bool
	M, N, K        int
}

func (s MatMul) cpu() Kernel { return host(matMul[float32](s), matMul[float64](s)) }

func matMul[T cpu.Float](s MatMul) func(out []T, in [][]T) {
	lda, ldb := s.strides()
	return func(out []T, in [][]T) {
		cpu.Gemm(s.TransA, s.TransB, s.M, s.N, s.K, 1, in[0], lda, in[1], ldb, 0, out, s.N)
	}
}

// strides is how many numbers lie between two rows of A and of B, as they are stored.
func (s MatMul) strides() (lda, ldb int) {
	lda, ldb = s.K, s.N
	if s.TransA {
		lda = s.M
	}
	if s.TransB {
		ldb = s.K
	}
	return lda, ldb
}

// Transpose turns a Rows×Cols matrix into Cols×Rows.
type Transpose struct{ Rows, Cols int }

func (s Transpose) cpu() Kernel { return host(transpose[float32](s), transpose[float64](s)) }

// transpose goes through tiles that fit the nearest cache, so that neither side is read
// or written a cache line for every element.
func transpose[T cpu.Float](s Transpose) func(out []T, in [][]T) {
	const tile = 32
	var x, out []T
	body := func(lo, hi int) {
		for r0 := lo; r0 < hi; r0 += tile {
			for c0 := 0; c0 < s.Cols; c0 += tile {
				for c := c0; c < min(c0+tile, s.Cols); c++ {
					dst := out[c*s.Rows:]
					for r := r0; r < min(r0+tile, hi); r++ {
						dst[r] = x[r*s.Cols+c]
					}
				}
			}
		}
	}
	return func(o []T, in [][]T) {
		out, x = o, in[0]
		cpu.Parallel(s.Rows, max(tile, rowGrain(s.Cols)), body)
	}
}

// Copy copies N elements.
type Copy struct{ N int }

func (s Copy) cpu() Kernel { return host(copyAll[float32], copyAll[float64]) }

func copyAll[T cpu.Float](out []T, in [][]T) { copy(out, in[0]) }
