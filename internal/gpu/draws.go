package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, s spec.DrawnPartners) {
		mask := b.maskOf(s.Mask, s.Rows, s.Cols, 2, 0)
		b.launchChoosePartners(blocks(s.Rows), s.Cols, uint64(s.Stream), mask.pairs, in(0), in(1), mask.from, out,
			b.d.reportTo(), b.d.checkFor("weight", "a finite number of at least 0"))
	})
	register(func(b *builder, s spec.Levelled) {
		mask := b.maskOf(s.Mask, s.Rows, s.Cols, 2, 2*s.Bins)
		b.work(2 * s.Bins)
		b.launchLevelled(blocks(1), s.Rows*s.Cols, s.Cols, s.Bins, s.Each, uint64(s.Stream), mask.pairs, in(0), in(1), mask.from, work(0), work(s.Bins), out,
			b.d.reportTo(), b.d.checkFor("number", "a finite one"))
	})
}
