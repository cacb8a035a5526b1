package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, _ spec.Advance) {
		b.step(copyOf(out, in(0), spec.DropoutDigits))
		b.launchDropoutCount(blocks(1), out, in(0))
	})
	register(func(b *builder, s spec.Uniform) {
		b.launchUniform(flat((s.N+3)/4), s.N, uint64(s.Stream), in(0), out)
	})
	register(func(b *builder, s spec.Normal) {
		b.launchNormal(flat((s.N+3)/4), s.N, uint64(s.Stream), in(0), out)
	})
	register(func(b *builder, s spec.Bernoulli) {
		b.launchBernoulli(flat((s.N+3)/4), s.N, uint64(s.Stream), s.Limit(), in(0), out)
	})
	register(func(b *builder, s spec.DrawnColumns) {
		b.launchChoose(blocks(s.Rows), s.Cols, s.K, uint64(s.Stream), in(0), in(1), out,
			b.d.reportTo(), b.d.checkFor("weight", "a finite number of at least 0"))
	})
}
