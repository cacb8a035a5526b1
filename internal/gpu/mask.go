package gpu

import "medusa/internal/spec"

func init() {
	register((*builder).where)
	register(func(b *builder, s spec.Constant) {
		b.step(fill(out, s.N, s.Value))
	})
	register(func(b *builder, s spec.Iota) {
		b.launchIota(flat(s.N), s.N, out)
	})
}

func (b *builder) where(s spec.Where) {
	n := s.Rows * s.Cols
	mask := b.maskOf(s.Mask, s.Rows, s.Cols, 1, 0)
	b.launchWhere(flat(n), n, divisor(s.Cols), mask.pairs, f32(s.Other), in(0), mask.from, out)
}
