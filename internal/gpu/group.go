package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, s spec.GroupMax) {
		b.launchGroupMax(flat(s.Groups), s.Groups, s.Size, in(0), out)
	})
	register(func(b *builder, s spec.GroupMaxGrad) {
		b.launchGroupMaxGrad(flat(s.Groups), s.Groups, s.Size, in(0), in(1), in(2), out)
	})
	register(func(b *builder, s spec.GroupSoftMax) {
		b.launchGroupSoftMax(flat(s.Groups), s.Groups, s.Size, f32(s.Temperature), in(0), out)
	})
	register(func(b *builder, s spec.GroupSoftMaxGrad) {
		b.launchGroupSoftMaxGrad(flat(s.Groups), s.Groups, s.Size, f32(s.Temperature), in(0), in(1), in(2), out)
	})
}
