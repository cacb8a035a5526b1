package gpu

import "medusa/internal/spec"

func init() {
	register((*builder).shareBound)
}

func (b *builder) shareBound(s spec.ShareBound) {
	mask := b.maskOf(s.Mask, s.Rows, s.Cols, 1, 0)
	b.launchShareBound(blocks(1), s.Rows, s.Cols, s.Share, s.Largest, s.Counted, mask.pairs, in(0), mask.from, out)
}
