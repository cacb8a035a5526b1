package device

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkLossSide times the kernels of a loss at embedding size 64, in float32.
func BenchmarkLossSide(b *testing.B) {
	const e = 64
	for _, n := range []int{64, 256} {
		d := Distance{Metric: Euclidean, N: n, M: n, D: e, Self: true}
		lse := RowReduce{Op: RowLogSumExp, K: 1, Rows: n, Cols: n}
		norm := Normalize{Rows: n, Cols: e, P: 2, Eps: 1e-12}
		for _, c := range []struct {
			spec any
			out  int
			in   []int
		}{
			{d, n * n, []int{n * e}},
			{matrixGrad(d), n * e, []int{n * e, n * n, n * n}},
			{norm, n * e, []int{n * e}},
			{lse, n * ReduceColumns, []int{n * n, n * n}},
			{Unary{F: Softplus, N: n * n}, n * n, []int{n * n}},
			{Where{Rows: n, Cols: n}, n * n, []int{n * n, n * n}},
			{SumTo{From: []int{n, n}}, 1, []int{n * n}},
			{Binary{Op: Mul, A: []int{n, n}, B: []int{n, n}}, n * n, []int{n * n, n * n}},
			{Transpose{Rows: n, Cols: n}, n * n, []int{n * n}},
		} {
			b.Run(fmt.Sprintf("%T/B%d", c.spec, n), func(b *testing.B) {
				k, err := CPU.Kernel(c.spec)
				if err != nil {
					b.Fatal(err)
				}
				rng := rand.New(rand.NewPCG(1, 1))
				out := Memory{F32: make([]float32, c.out)}
				var in []Memory
				for _, n := range c.in {
					m := make([]float32, n)
					for i := range m {
						m[i] = rng.Float32() + 0.1
					}
					in = append(in, Memory{F32: m})
				}
				for b.Loop() {
					if err := k.Run(out, in); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
