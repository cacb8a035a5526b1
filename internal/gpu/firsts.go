package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, s spec.RowFirst) {
		mask := b.maskOf(s.Mask, s.Rows, s.Cols, 0, 0)
		b.launch("row_first", blocks(s.Rows), s.Cols, mask.pairs, mask.from, out)
	})
	register(func(b *builder, s spec.LabelFirst) {
		b.launch("label_first", flat(s.N), s.N, in(0), in(1), out)
	})
	register(func(b *builder, s spec.LabelRank) {
		b.launch("label_rank", flat(s.N), s.N, in(0), in(1), out)
	})
}
