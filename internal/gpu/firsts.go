package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, s spec.RowFirst) {
		mask := b.maskOf(s.Mask, s.Rows, s.Cols, 0, 0)
		b.launchRowFirst(blocks(s.Rows), s.Cols, mask.pairs, mask.from, out)
	})
	register(func(b *builder, s spec.LabelFirst) {
		b.launchLabelFirst(flat(s.N), s.N, in(0), in(1), out)
	})
	register(func(b *builder, s spec.LabelRank) {
		b.launchLabelRank(flat(s.N), s.N, in(0), in(1), out)
	})
}
