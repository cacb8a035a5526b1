package gpu

import (
	"math"

	"medusa/internal/spec"
)

func init() {
	register(func(b *builder, s spec.RowBins) {
		mask := b.maskOf(s.Mask, s.Rows, s.Cols, 1, 0)
		b.launch("row_bins", blocks(s.Rows), s.Cols, s.Bins, f32(s.Low), binScale(s.Low, s.High, s.Bins), mask.pairs, in(0), mask.from, out)
	})
	register(func(b *builder, s spec.RowBinsGrad) {
		n := s.Rows * s.Cols
		mask := b.maskOf(s.Mask, s.Rows, s.Cols, 1, 0)
		b.launch("row_bins_grad", flat(n), n, divisor(s.Cols), s.Bins, f32(s.Low), binScale(s.Low, s.High, s.Bins), mask.pairs, in(0), mask.from, in(1+s.Mask.Inputs()), out)
	})
	register(func(b *builder, s spec.TripletBins) {
		pos, neg, _ := b.twoMasks(s.Pos, s.Neg, s.N, s.M)
		b.launch("triplet_bins", blocks(s.N), append(tripletBins(s, pos, neg), in(0), pos.from, neg.from, out)...)
	})
	register(func(b *builder, s spec.TripletBinsGrad) {
		pos, neg, up := b.twoMasks(s.Pos, s.Neg, s.N, s.M)
		b.launch("triplet_bins_grad", blocks(s.N), append(tripletBins(spec.TripletBins(s), pos, neg), in(0), pos.from, neg.from, up, out)...)
	})
}

// tripletBins are the first arguments of kernels of TripletBins.
func tripletBins(s spec.TripletBins, pos, neg maskOperand) []any {
	above := f32(s.Above)
	if math.IsInf(s.Above, -1) { // what is no bound is NaN to the kernel
		above = float32(math.NaN())
	}
	return []any{s.M, s.Bins, f32(s.Low), binScale(s.Low, s.High, s.Bins), above, f32(s.AtMost), pos.pairs, neg.pairs}
}

func binScale(low, high float64, bins int) float32 { return f32(spec.BinScale(low, high, bins)) }
