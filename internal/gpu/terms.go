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
	b.launchRowTerms(blocks(s.Rows), s.Cols, mask.pairs, kindOfTerms(s), f32(s.K), f32(s.C), f32(s.Shift), f32(s.Low), f32(s.High), in(0), mask.from, shiftOf(s, 1),
		out, output(spec.TermCount), output(spec.TermHinges).or(len(s.Outputs()) >= spec.TermHinges))
}

// kindOfTerms is what the terms are to the kernel.
func kindOfTerms(s spec.RowTerms) int {
	switch {
	case s.Square:
		return termsTermSquare
	case s.Hinge:
		return termsTermHinge
	}
	return termsTermSelf
}

// shiftOf is the number that is added to hinges, where the inputs besides x begin at in(at).
func shiftOf(s spec.RowTerms, at int) operand {
	return in(at + s.Mask.Inputs()).or(s.Shift != 0)
}

// rowTermsGrad is the gradient to x, whose other inputs begin at in(at); a mask may be made in the
// workspace from scratch on.
func (b *builder) rowTermsGrad(s spec.RowTermsGrad, x operand, at, scratch int, dx operand, add bool) {
	n := s.Rows * s.Cols
	mask := b.maskOf(s.Mask, s.Rows, s.Cols, at, scratch)
	terms := spec.RowTerms(s)
	up := in(at + terms.Inputs())
	b.launchRowTermsGrad(flat(n), n, divisor(s.Cols), mask.pairs, kindOfTerms(terms), f32(s.K), f32(s.C), f32(s.Shift), f32(s.Low), f32(s.High), add, x, mask.from, shiftOf(terms, at), up, dx)
}
