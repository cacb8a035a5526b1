package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, s spec.LogSoftmax) {
		b.launch("log_softmax", blocks(s.Rows), s.Cols, in(0), out)
	})
	register(func(b *builder, s spec.LogSoftmaxGrad) {
		b.launch("log_softmax_grad", blocks(s.Rows), s.Cols, in(0), in(1), out)
	})
	register(func(b *builder, s spec.Softmax) {
		b.launch("softmax", blocks(s.Rows), s.Cols, in(0), out)
	})
	register(func(b *builder, s spec.SoftmaxGrad) {
		b.launch("softmax_grad", blocks(s.Rows), s.Cols, in(0), in(1), out)
	})
	register(func(b *builder, s spec.CrossEntropy) {
		b.launch("cross_entropy", blocks(s.Rows), s.Classes, f32(s.Smoothing), in(0), in(1), out, b.d.reportTo(), b.d.check("label", s.Classes))
	})
	register(func(b *builder, s spec.CrossEntropyGrad) {
		b.launch("cross_entropy_grad", blocks(s.Rows), s.Classes, f32(s.Smoothing), in(0), in(1), in(2), out, b.d.reportTo(), b.d.check("label", s.Classes))
	})
}
