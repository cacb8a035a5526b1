package gpu

import (
	"math"

	"medusa/internal/spec"
)

func init() {
	register(func(b *builder, s spec.RowBins) {
		mask := b.maskOf(s.Mask, s.Rows, s.Cols, 1, 0)
		b.launchRowBins(blocks(s.Rows), s.Cols, s.Bins, f32(s.Low), binScale(s.Low, s.High, s.Bins), mask.pairs, in(0), mask.from, out, output(1))
	})
	register(func(b *builder, s spec.RowBinsGrad) {
		n := s.Rows * s.Cols
		mask := b.maskOf(s.Mask, s.Rows, s.Cols, 1, 0)
		b.launchRowBinsGrad(flat(n), n, divisor(s.Cols), s.Bins, f32(s.Low), binScale(s.Low, s.High, s.Bins), mask.pairs, in(0), mask.from, in(1+s.Mask.Inputs()), out)
	})
	register(func(b *builder, s spec.TripletBins) {
		pos, neg, _ := b.twoMasks(s.Pos, s.Neg, s.N, s.M)
		b.launchTripletBins(blocks(s.N), s.M, s.Bins, f32(s.Low), binScale(s.Low, s.High, s.Bins), above(s.Above), f32(s.AtMost),
			pos.pairs, neg.pairs, in(0), pos.from, neg.from, out, output(1))
	})
	register(func(b *builder, s spec.TripletBinsGrad) {
		pos, neg, up := b.twoMasks(s.Pos, s.Neg, s.N, s.M)
		b.launchTripletBinsGrad(blocks(s.N), s.M, s.Bins, f32(s.Low), binScale(s.Low, s.High, s.Bins), above(s.Above), f32(s.AtMost),
			pos.pairs, neg.pairs, in(0), pos.from, neg.from, up, out)
	})
}

// above is a lower bound as kernels take it: what is no bound is NaN.
func above(bound float64) float32 {
	if math.IsInf(bound, -1) {
		return float32(math.NaN())
	}
	return f32(bound)
}

func binScale(low, high float64, bins int) float32 { return f32(spec.BinScale(low, high, bins)) }
