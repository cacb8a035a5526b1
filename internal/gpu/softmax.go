package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, s spec.LogSoftmax) {
		b.launchLogSoftmax(blocks(s.Rows), s.Cols, in(0), out)
	})
	register(func(b *builder, s spec.LogSoftmaxGrad) {
		b.launchLogSoftmaxGrad(blocks(s.Rows), s.Cols, in(0), in(1), out)
	})
	register(func(b *builder, s spec.Softmax) {
		b.launchSoftmax(blocks(s.Rows), s.Cols, in(0), out)
	})
	register(func(b *builder, s spec.SoftmaxGrad) {
		b.launchSoftmaxGrad(blocks(s.Rows), s.Cols, in(0), in(1), out)
	})
	register(func(b *builder, s spec.CrossEntropy) {
		b.launchCrossEntropy(blocks(s.Rows), s.Classes, f32(s.Smoothing), in(0), in(1), out, b.d.reportTo(), b.d.check("label", s.Classes))
	})
	register(func(b *builder, s spec.CrossEntropyGrad) {
		b.launchCrossEntropyGrad(blocks(s.Rows), s.Classes, f32(s.Smoothing), in(0), in(1), in(2), out, b.d.reportTo(), b.d.check("label", s.Classes))
	})
}
