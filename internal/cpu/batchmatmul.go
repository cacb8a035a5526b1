package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	register(batchMatMul[float32], batchMatMul[float64])
}

// fewProducts is up to how many products each is shared out by itself.
const fewProducts = 4

func batchMatMul[T loops.Float](s spec.BatchMatMul) func(out []T, in [][]T) {
	one := matMul[T](s.MatMul)
	a, b, c := s.M*s.K, s.K*s.N, s.M*s.N
	var x, y, z []T
	if s.Batch <= fewProducts {
		in := make([][]T, 2)
		return func(out []T, from [][]T) {
			for i := range s.Batch {
				in[0], in[1] = from[0][i*a:(i+1)*a], from[1][i*b:(i+1)*b]
				one(out[i*c:(i+1)*c], in)
			}
		}
	}
	lda, ldb := stridesOf(s.MatMul)
	body := func(lo, hi int) {
		for i := lo; i < hi; i++ {
			loops.Gemm(s.TransA, s.TransB, s.M, s.N, s.K, 1, x[i*a:(i+1)*a], lda, y[i*b:(i+1)*b], ldb, 0, z[i*c:(i+1)*c], s.N)
		}
	}
	return func(out []T, in [][]T) {
		x, y, z = in[0], in[1], out
		loops.Parallel(s.Batch, 1, body)
	}
}
