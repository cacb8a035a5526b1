package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, s spec.GroupMax) {
		b.launch("group_max", flat(s.Groups), s.Groups, s.Size, in(0), out)
	})
	register(func(b *builder, s spec.GroupMaxGrad) {
		b.launch("group_max_grad", flat(s.Groups), s.Groups, s.Size, in(0), in(1), in(2), out)
	})
	register(func(b *builder, s spec.GroupSoftMax) {
		b.launch("group_soft_max", flat(s.Groups), s.Groups, s.Size, f32(s.Temperature), in(0), out)
	})
	register(func(b *builder, s spec.GroupSoftMaxGrad) {
		b.launch("group_soft_max_grad", flat(s.Groups), s.Groups, s.Size, f32(s.Temperature), in(0), in(1), in(2), out)
	})
}
