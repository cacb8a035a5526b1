package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, s spec.Normalize) {
		b.launchNormalize(blocks(s.Rows), s.Cols, f32(s.P), f32(s.Eps), in(0), out)
	})
	register(func(b *builder, s spec.NormalizeGrad) {
		b.launchNormalizeGrad(blocks(s.Rows), s.Cols, f32(s.P), f32(s.Eps), in(0), in(1), in(2), out)
	})
}
