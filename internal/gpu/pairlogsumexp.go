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
	args pairSumsArgs
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
		args: pairSumsArgs{m: s.M, posPairs: pos.pairs, negPairs: neg.pairs, x: in(0), pos: pos.from, neg: neg.from, among: among},
		up:   up,
		free: scratchOf(s.Pos, s.N, s.M) + scratchOf(s.Neg, s.N, s.M),
	}
}

func (b *builder) pairLogSumExp(s spec.PairLogSumExp) {
	sums := b.pairSums(s)
	b.launchPairLogsumexp(sums.grid, sums.args, out)
}

// pairScales is what the gradients of PairLogSumExp take of each pair, with their arguments and where the workspace is
// free.
type pairScales struct {
	args         pairSumsArgs
	tops, scales operand
	free         int
}

// pairLogSumExpScales puts them into the workspace.
func (b *builder) pairLogSumExpScales(s spec.PairLogSumExp) pairScales {
	sums := b.pairSums(s)
	n := s.N * s.M
	tops, scales := work(sums.free), work(sums.free+n)
	b.work(sums.free + 2*n)
	b.launchPairLogsumexpScales(sums.grid, sums.args, sums.up, tops, scales)
	return pairScales{sums.args, tops, scales, sums.free + 2*n}
}

func (b *builder) pairLogSumExpGrad(s spec.PairLogSumExpGrad) {
	of := b.pairLogSumExpScales(spec.PairLogSumExp(s))
	b.launchPairLogsumexpGrad(blocks(s.N), of.args, of.tops, of.scales, out)
	if !s.Self {
		return
	}
	n, among := s.N*s.M, work(of.free)
	b.work(of.free + n)
	b.launchPairLogsumexpAmongGrad(blocks(s.M), s.N, of.args, of.tops, of.scales, among)
	b.launchBinaryFlat(flat(n), n, operatorAdd, out, among, out)
}

func (b *builder) pairLogSumExpAmongGrad(s spec.PairLogSumExpAmongGrad) {
	of := b.pairLogSumExpScales(spec.PairLogSumExp(s))
	b.launchPairLogsumexpAmongGrad(blocks(s.M), s.N, of.args, of.tops, of.scales, out)
}
