package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, s spec.NormPool) {
		b.work(s.N * s.C * s.Plane)
		b.scaleShift(s.BatchNorm, false, null, work(0))
		b.maxPool(s.Pool, s.Relu, work(0))
	})
}
