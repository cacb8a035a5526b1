package cpu

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"medusa/internal/device"
	"medusa/internal/spec"
)

// BenchmarkLossSide times the kernels of a loss at embedding size 64, in float32.
func BenchmarkLossSide(b *testing.B) {
	const e = 64
	for _, n := range []int{64, 256} {
		d := spec.Distance{Metric: spec.Euclidean, N: n, M: n, D: e, Self: true}
		lse := spec.RowReduce{Op: spec.RowLogSumExp, K: 1, Rows: n, Cols: n}
		norm := spec.Normalize{Rows: n, Cols: e, P: 2, Eps: 1e-12}
		for _, c := range []struct {
			spec any
			out  int
			in   []int
		}{
			{d, n * n, []int{n * e}},
			{matrixGrad(d), n * e, []int{n * e, n * n, n * n}},
			{norm, n * e, []int{n * e}},
			{lse, n, []int{n * n, n * n}},
			{spec.Unary{F: spec.Softplus, N: n * n}, n * n, []int{n * n}},
			{spec.Where{Rows: n, Cols: n}, n * n, []int{n * n, n * n}},
			{spec.SumTo{From: []int{n, n}}, 1, []int{n * n}},
			{spec.Binary{Op: spec.Mul, A: []int{n, n}, B: []int{n, n}}, n * n, []int{n * n, n * n}},
			{spec.Transpose{Rows: n, Cols: n}, n * n, []int{n * n}},
		} {
			b.Run(fmt.Sprintf("%T/B%d", c.spec, n), func(b *testing.B) {
				k, err := Device.Kernel(c.spec)
				if err != nil {
					b.Fatal(err)
				}
				rng := rand.New(rand.NewPCG(1, 1))
				out := outputs(c.spec, c.out, numbers32)
				var in []device.Memory
				for _, n := range c.in {
					m := make([]float32, n)
					for i := range m {
						m[i] = rng.Float32() + 0.1
					}
					in = append(in, device.Memory{F32: m})
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
