package gpu

import (
	"medusa/internal/cuda"
	"medusa/internal/spec"
)

func init() {
	register((*builder).pairLogSumExp)
	register((*builder).pairLogSumExpGrad)
	register((*builder).pairLogSumExpAmongGrad)
}

// pairSums are what the kernels of PairLogSumExp share: their grid over pairs, their first arguments,
// the gradient to the sums, which the gradients have behind the inputs, and where the workspace is
// free behind masks.
type pairSums struct {
	grid cuda.Dim
	args []any
	up   operand
	free int
}

func (b *builder) pairSums(s spec.PairLogSumExp) pairSums {
	pos, neg, up := b.twoMasks(s.Pos, s.Neg, s.N, s.M)
	among := in(0)
	if !s.Self {
		among, up = up, in(up.i+1)
	}
	grid, _ := parted(s.N, s.M*s.M)
	return pairSums{
		grid: grid,
		args: []any{s.M, pos.pairs, neg.pairs, in(0), pos.from, neg.from, among},
		up:   up,
		free: scratchOf(s.Pos, s.N, s.M) + scratchOf(s.Neg, s.N, s.M),
	}
}

func (b *builder) pairLogSumExp(s spec.PairLogSumExp) {
	sums := b.pairSums(s)
	b.launch("pair_logsumexp", sums.grid, append(sums.args, out)...)
}

// pairLogSumExpScales puts into the workspace what the gradients take of each pair, and returns
// their arguments and where the workspace is free.
func (b *builder) pairLogSumExpScales(s spec.PairLogSumExp) (args []any, free int) {
	sums := b.pairSums(s)
	n := s.N * s.M
	tops, scales := work(sums.free), work(sums.free+n)
	b.work(sums.free + 2*n)
	args = sums.args[:len(sums.args):len(sums.args)]
	b.launch("pair_logsumexp_scales", sums.grid, append(args, sums.up, tops, scales)...)
	return append(args, tops, scales, out), sums.free + 2*n
}

func (b *builder) pairLogSumExpGrad(s spec.PairLogSumExpGrad) {
	args, free := b.pairLogSumExpScales(spec.PairLogSumExp(s))
	b.launch("pair_logsumexp_grad", blocks(s.N), args...)
	if !s.Self {
		return
	}
	n, last := s.N*s.M, len(args)-1
	b.work(free + n)
	args[last] = work(free)
	b.launch("pair_logsumexp_among_grad", blocks(s.M), append([]any{s.N}, args...)...)
	b.launch("binary_flat", flat(n), n, 0, out, args[last], out)
}

func (b *builder) pairLogSumExpAmongGrad(s spec.PairLogSumExpAmongGrad) {
	args, _ := b.pairLogSumExpScales(spec.PairLogSumExp(s))
	b.launch("pair_logsumexp_among_grad", blocks(s.M), append([]any{s.N}, args...)...)
}
