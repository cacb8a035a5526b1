package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, s spec.ConvPool) {
		n := sizeY(s.Conv2D)
		b.work(n)
		b.spare = aligned(n)
		b.convForward(s.Conv2D, in(2).or(s.Bias), false, work(0))
		if s.Norm {
			b.normInPlace(s.Conv2D, false, work(0))
		}
		b.maxPool(s.Pool, s.Relu, work(0))
	})
}
