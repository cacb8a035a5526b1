package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, s spec.PairedSoftmax) {
		products, columns := b.pairedProducts(s)
		b.launchPairedSoftmax(blocks(s.N), s.M, in(2), products, columns, out)
	})
	register(func(b *builder, s spec.PairedSoftmaxGrad) {
		products, columns := b.pairedProducts(s.PairedSoftmax)
		b.launchPairedSoftmaxGrad(blocks(s.N), s.M, in(2), products, columns, in(3))
		if s.ToY {
			b.product(true, false, s.M, s.D, s.N, products, in(0), out)
		} else {
			b.product(false, false, s.N, s.D, s.M, products, in(1), out)
		}
	})
}

// pairedProducts makes the products of all rows in the workspace, and the mask of the partners.
func (b *builder) pairedProducts(s spec.PairedSoftmax) (products, columns operand) {
	n := s.N * s.M
	b.spare = aligned(n + s.M)
	b.work(b.spare)
	products, columns = work(0), work(n)
	b.product(false, true, s.N, s.M, s.D, in(0), in(1), products)
	b.launchPartnerColumns(flat(s.M), s.M, s.N, in(2), columns)
	return products, columns
}
