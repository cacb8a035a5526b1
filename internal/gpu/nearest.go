package gpu

import "medusa/internal/spec"

func init() {
	register((*builder).rowKth)
}

func (b *builder) rowKth(s spec.RowKth) {
	mask := b.maskOf(s.Mask, s.Rows, s.Cols, 1, 0)
	b.launchRowKth(blocks(s.Rows), s.Cols, s.K, mask.pairs, in(0), mask.from, out)
}
