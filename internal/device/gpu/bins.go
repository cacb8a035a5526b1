package gpu

import (
	"math"

	"medusa/internal/device"
)

// buildBins is build for what counts: numbers in bins, and ranks.
func (b *builder) buildBins(spec any) bool {
	switch s := spec.(type) {
	case device.RowBins:
		mask := b.maskOf(s.Mask, s.Rows, s.Cols, 1, 0)
		b.launch("row_bins", blocks(s.Rows), s.Cols, s.Bins, f32(s.Low), binScale(s.Low, s.High, s.Bins), mask.pairs, in(0), mask.from, out)
	case device.RowBinsGrad:
		n := s.Rows * s.Cols
		mask := b.maskOf(s.Mask, s.Rows, s.Cols, 1, 0)
		b.launch("row_bins_grad", flat(n), n, divisor(s.Cols), s.Bins, f32(s.Low), binScale(s.Low, s.High, s.Bins), mask.pairs, in(0), mask.from, in(1+s.Mask.Inputs()), out)
	case device.TripletBins:
		pos, neg, _ := b.twoMasks(s.Pos, s.Neg, s.N, s.M)
		b.launch("triplet_bins", blocks(s.N), append(tripletBins(s, pos, neg), in(0), pos.from, neg.from, out)...)
	case device.TripletBinsGrad:
		pos, neg, up := b.twoMasks(s.Pos, s.Neg, s.N, s.M)
		b.launch("triplet_bins_grad", blocks(s.N), append(tripletBins(device.TripletBins(s), pos, neg), in(0), pos.from, neg.from, up, out)...)
	case device.SoftRanks:
		of, over, _ := b.twoMasks(s.Of, s.Over, s.N, s.M)
		b.launch("soft_ranks", blocks(s.N), s.M, f32(1/s.Temperature), of.pairs, over.pairs, in(0), of.from, over.from, out)
	case device.SoftRanksGrad:
		of, over, up := b.twoMasks(s.Of, s.Over, s.N, s.M)
		b.launch("soft_ranks_grad", blocks(s.N), s.M, f32(1/s.Temperature), of.pairs, over.pairs, in(0), of.from, over.from, up, out)
	default:
		return b.buildChosen(spec)
	}
	return true
}

// twoMasks are masks (rows, cols) whose inputs begin at in(1), and what comes behind these.
func (b *builder) twoMasks(first, second device.Mask, rows, cols int) (one, other maskOperand, rest operand) {
	at := 1 + first.Inputs()
	one = b.maskOf(first, rows, cols, 1, 0)
	other = b.maskOf(second, rows, cols, at, scratchOf(first, rows, cols))
	return one, other, in(at + second.Inputs())
}

// tripletBins are the first arguments of kernels of TripletBins.
func tripletBins(s device.TripletBins, pos, neg maskOperand) []any {
	above := f32(s.Above)
	if math.IsInf(s.Above, -1) { // what is no bound is NaN to the kernel
		above = float32(math.NaN())
	}
	return []any{s.M, s.Bins, f32(s.Low), binScale(s.Low, s.High, s.Bins), above, f32(s.AtMost), pos.pairs, neg.pairs}
}

func binScale(low, high float64, bins int) float32 { return f32(device.BinScale(low, high, bins)) }
