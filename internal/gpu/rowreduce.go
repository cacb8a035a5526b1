package gpu

import "medusa/internal/spec"

func init() {
	register((*builder).rowReduce)
	register(func(b *builder, s spec.RowReduceGrad) {
		b.rowReduceGrad(s, in(0), 1, 0, out, false)
	})
}

func (b *builder) rowReduce(s spec.RowReduce) {
	mask := b.maskOf(s.Mask, s.Rows, s.Cols, 1, 0)
	if s.Op == spec.RowLogSumExp {
		b.launchRowLogsumexp(blocks(s.Rows), s.Cols, mask.pairs, f32(s.K), f32(s.Empty), in(0), mask.from, out, output(spec.ReducedAt), output(spec.ReducedTotal))
		return
	}
	op := extremeRowMax
	if s.Op == spec.RowMin {
		op = extremeRowMin
	}
	b.launchRowExtreme(blocks(s.Rows), s.Cols, mask.pairs, op, f32(s.Empty), in(0), mask.from, out, output(spec.ReducedAt))
}

// rowReduceGrad is as rowTermsGrad.
func (b *builder) rowReduceGrad(s spec.RowReduceGrad, x operand, at, scratch int, dx operand, add bool) {
	n := s.Rows * s.Cols
	of := at + s.Mask.Inputs()
	if s.Op == spec.RowLogSumExp {
		mask := b.maskOf(s.Mask, s.Rows, s.Cols, at, scratch)
		b.launchRowLogsumexpGrad(blocks(s.Rows), s.Cols, mask.pairs, f32(s.K), add, x, mask.from, in(of), in(of+1), in(of+2), dx)
		return
	}
	b.launchRowExtremeGrad(flat(n), n, divisor(s.Cols), add, in(of), in(of+1), dx)
}
