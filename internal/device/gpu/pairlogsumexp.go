package gpu

import (
	"medusa/internal/cuda"
	"medusa/internal/device"
)

// pairSums are what the kernels of PairLogSumExp share: their grid over pairs, their first arguments,
// the gradient to the sums, which the gradients have behind the inputs, and where the workspace is
// free behind masks.
type pairSums struct {
	grid cuda.Dim
	args []any
	up   operand
	free int
}

func (b *builder) pairSums(s device.PairLogSumExp) pairSums {
	pos, neg, among := b.twoMasks(s.Pos, s.Neg, s.N, s.M)
	grid, _ := parted(s.N, s.M*s.M)
	return pairSums{
		grid: grid,
		args: []any{s.M, pos.pairs, neg.pairs, in(0), pos.from, neg.from, among},
		up:   in(among.i + 1),
		free: scratchOf(s.Pos, s.N, s.M) + scratchOf(s.Neg, s.N, s.M),
	}
}

func (b *builder) pairLogSumExp(s device.PairLogSumExp) {
	sums := b.pairSums(s)
	b.launch("pair_logsumexp", sums.grid, append(sums.args, out)...)
}

// pairLogSumExpScales puts into the workspace what the gradients take of each pair, and returns
// their arguments.
func (b *builder) pairLogSumExpScales(s device.PairLogSumExp) []any {
	sums := b.pairSums(s)
	n := s.N * s.M
	tops, scales := work(sums.free), work(sums.free+n)
	b.work(sums.free + 2*n)
	args := sums.args[:len(sums.args):len(sums.args)]
	b.launch("pair_logsumexp_scales", sums.grid, append(args, sums.up, tops, scales)...)
	return append(args, tops, scales, out)
}

func (b *builder) pairLogSumExpGrad(s device.PairLogSumExpGrad) {
	b.launch("pair_logsumexp_grad", blocks(s.N), b.pairLogSumExpScales(device.PairLogSumExp(s))...)
}

func (b *builder) pairLogSumExpAmongGrad(s device.PairLogSumExpAmongGrad) {
	b.launch("pair_logsumexp_among_grad", blocks(s.M), append([]any{s.N}, b.pairLogSumExpScales(device.PairLogSumExp(s))...)...)
}
