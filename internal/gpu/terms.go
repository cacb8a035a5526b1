package gpu

import "medusa/internal/spec"

func init() {
	register((*builder).rowTerms)
	register(func(b *builder, s spec.RowTermsGrad) {
		b.rowTermsGrad(s, in(0), 1, 0, out, false)
	})
}

func (b *builder) rowTerms(s spec.RowTerms) {
	mask := b.maskOf(s.Mask, s.Rows, s.Cols, 1, 0)
	b.launchRowTerms(blocks(s.Rows), s.Cols, mask.pairs, s.Hinge, f32(s.K), f32(s.C), f32(s.Low), f32(s.High), in(0), mask.from, out, output(1))
}

// rowTermsGrad is the gradient to x, whose other inputs begin at in(at); a mask may be made in the
// workspace from scratch on.
func (b *builder) rowTermsGrad(s spec.RowTermsGrad, x operand, at, scratch int, dx operand, add bool) {
	n := s.Rows * s.Cols
	mask := b.maskOf(s.Mask, s.Rows, s.Cols, at, scratch)
	up := in(at + s.Mask.Inputs())
	b.launchRowTermsGrad(flat(n), n, divisor(s.Cols), mask.pairs, s.Hinge, f32(s.K), f32(s.C), f32(s.Low), f32(s.High), add, x, mask.from, up, dx)
}
