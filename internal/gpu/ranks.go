package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, s spec.SoftRanks) {
		of, over, _ := b.twoMasks(s.Of, s.Over, s.N, s.M)
		b.launchSoftRanks(blocks(s.N), s.M, f32(1/s.Temperature), of.pairs, over.pairs, in(0), of.from, over.from, out)
	})
	register(func(b *builder, s spec.SoftRanksGrad) {
		of, over, up := b.twoMasks(s.Of, s.Over, s.N, s.M)
		b.launchSoftRanksGrad(blocks(s.N), s.M, f32(1/s.Temperature), of.pairs, over.pairs, in(0), of.from, over.from, up, out)
	})
}
