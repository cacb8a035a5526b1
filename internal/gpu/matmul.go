package gpu

import (
	"medusa/internal/cuda"
	"medusa/internal/spec"
)

func init() {
	register(func(b *builder, s spec.Copy) {
		b.step(copyOf(out, in(0), s.N))
	})
	register(func(b *builder, s spec.Transpose) {
		b.launchTranspose(cuda.Dim{X: (s.Cols + 31) / 32, Y: (s.Rows + 31) / 32}, s.Rows, s.Cols, in(0), out)
	})
	register(func(b *builder, s spec.MatMul) {
		b.product(s.TransA, s.TransB, s.M, s.N, s.K, in(0), in(1), out)
	})
}
