package gpu

import "medusa/internal/device"

// buildChosen is build for groups of neighbours, and for rows that are chosen by their labels.
func (b *builder) buildChosen(spec any) bool {
	switch s := spec.(type) {
	case device.GroupMax:
		b.launch("group_max", flat(s.Groups), s.Groups, s.Size, in(0), out)
	case device.GroupMaxGrad:
		b.launch("group_max_grad", flat(s.Groups), s.Groups, s.Size, in(0), in(1), in(2), out)
	case device.GroupSoftMax:
		b.launch("group_soft_max", flat(s.Groups), s.Groups, s.Size, f32(s.Temperature), in(0), out)
	case device.GroupSoftMaxGrad:
		b.launch("group_soft_max_grad", flat(s.Groups), s.Groups, s.Size, f32(s.Temperature), in(0), in(1), in(2), out)
	case device.RowFirst:
		mask := b.maskOf(s.Mask, s.Rows, s.Cols, 0, 0)
		b.launch("row_first", blocks(s.Rows), s.Cols, mask.pairs, mask.from, out)
	case device.LabelFirst:
		b.launch("label_first", flat(s.N), s.N, in(0), in(1), out)
	case device.LabelRank:
		b.launch("label_rank", flat(s.N), s.N, in(0), in(1), out)
	case device.PairedSoftmax:
		products, columns := b.pairedProducts(s)
		b.launch("paired_softmax", blocks(s.N), s.M, in(2), products, columns, out)
	case device.PairedSoftmaxGrad:
		products, columns := b.pairedProducts(s.PairedSoftmax)
		b.launch("paired_softmax_grad", blocks(s.N), s.M, in(2), products, columns, in(3))
		if s.ToY {
			b.product(true, false, s.M, s.D, s.N, products, in(0), out)
		} else {
			b.product(false, false, s.N, s.D, s.M, products, in(1), out)
		}
	default:
		return false
	}
	return true
}

// pairedProducts makes the products of all rows in the workspace, and the mask of the partners.
func (b *builder) pairedProducts(s device.PairedSoftmax) (products, columns operand) {
	n := s.N * s.M
	b.spare = aligned(n + s.M)
	b.work(b.spare)
	products, columns = work(0), work(n)
	b.product(false, true, s.N, s.M, s.D, in(0), in(1), products)
	b.launch("partner_columns", flat(s.M), s.M, s.N, in(2), columns)
	return products, columns
}
