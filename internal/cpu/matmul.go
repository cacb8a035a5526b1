package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/device"
	"medusa/internal/spec"
)

func init() {
	register(matMul[float32], matMul[float64])
	register(transpose[float32], transpose[float64])
	registerKernel(func(s spec.Copy) device.Kernel { return host(copyAll[float32], copyAll[float64]) })
}

func matMul[T loops.Float](s spec.MatMul) func(out []T, in [][]T) {
	lda, ldb := stridesOf(s)
	return func(out []T, in [][]T) {
		loops.Gemm(s.TransA, s.TransB, s.M, s.N, s.K, 1, in[0], lda, in[1], ldb, 0, out, s.N)
	}
}

// stridesOf is how many numbers lie between two rows of A and of B, as they are stored.
func stridesOf(s spec.MatMul) (lda, ldb int) {
	lda, ldb = s.K, s.N
	if s.TransA {
		lda = s.M
	}
	if s.TransB {
		ldb = s.K
	}
	return lda, ldb
}

// transpose goes through tiles that fit the nearest cache, so that neither side is read
// or written a cache line for every element.
func transpose[T loops.Float](s spec.Transpose) func(out []T, in [][]T) {
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
		loops.Parallel(s.Rows, max(tile, rowGrain(s.Cols)), body)
	}
}

func copyAll[T loops.Float](out []T, in [][]T) { copy(out, in[0]) }
