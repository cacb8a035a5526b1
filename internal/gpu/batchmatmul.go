package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, s spec.BatchMatMul) {
		b.products(s.Batch, s.TransA, s.TransB, s.M, s.N, s.K, in(0), in(1), out)
	})
}
