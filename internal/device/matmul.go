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
	lda, ldb := s.K, s.N
	if s.TransA {
		lda = s.M
	}
	if s.TransB {
		ldb = s.K
	}
	return func(out []T, in [][]T) {
		cpu.Gemm(s.TransA, s.TransB, s.M, s.N, s.K, 1, in[0], lda, in[1], ldb, 0, out, s.N)
	}
}

// Transpose turns a Rows×Cols matrix into Cols×Rows.
type Transpose struct{ Rows, Cols int }

func (s Transpose) cpu() Kernel { return host(transpose[float32](s), transpose[float64](s)) }

func transpose[T cpu.Float](s Transpose) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		x := in[0]
		for r := range s.Rows {
			for c := range s.Cols {
				out[c*s.Rows+r] = x[r*s.Cols+c]
			}
		}
	}
}

// Copy copies N elements.
type Copy struct{ N int }

func (s Copy) cpu() Kernel { return host(copyAll[float32], copyAll[float64]) }

func copyAll[T cpu.Float](out []T, in [][]T) { copy(out, in[0]) }
