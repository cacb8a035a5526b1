package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, s spec.GatherRows) {
		b.launchLabelFirst(flat(s.N), s.N, in(0), in(0), out) // no index is below 0
	})
	register(func(b *builder, s spec.GatherRowsGrad) {
		b.launchGatherRowsGrad(blocks(s.N), s.N, s.Cols, in(0), in(1), out)
	})
}
