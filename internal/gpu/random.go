package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, _ spec.Advance) {
		b.step(copyOf(out, in(0), spec.DropoutDigits))
		b.launch("dropout_count", blocks(1), out, in(0))
	})
	register(func(b *builder, s spec.Uniform) {
		b.launch("uniform", flat((s.N+3)/4), s.N, uint64(s.Stream), in(0), out)
	})
	register(func(b *builder, s spec.Normal) {
		b.launch("normal", flat((s.N+3)/4), s.N, uint64(s.Stream), in(0), out)
	})
	register(func(b *builder, s spec.Bernoulli) {
		b.launch("bernoulli", flat((s.N+3)/4), s.N, uint64(s.Stream), s.Limit(), in(0), out)
	})
	register(func(b *builder, s spec.DrawnColumns) {
		b.launch("choose", blocks(s.Rows), s.Cols, s.K, uint64(s.Stream), in(0), in(1), out,
			b.d.reportTo(), b.d.checkFor("weight", "a finite number of at least 0"))
	})
}
