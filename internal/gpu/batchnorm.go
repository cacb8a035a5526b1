package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, s spec.BatchStats) {
		grid, parts := parted(s.C, s.N*s.Plane)
		b.work(4 * s.C * parts)
		b.launchPartStats(grid, s.N, s.C, divisor(s.Plane), in(0), work(0))
		b.launchBatchStats(flat(s.C), s.N*s.Plane, s.C, parts, f32(s.Momentum), f32(s.Eps), work(0), out, in(1), in(2))
	})
	register(func(b *builder, s spec.RunningStats) {
		b.launchRunningStats(flat(s.C), s.C, f32(s.Eps), in(0), in(1), out)
	})
	register(func(b *builder, s spec.BatchNorm) {
		b.scaleShift(s, s.Relu, null, out)
	})
	register(func(b *builder, s spec.BatchNormAdd) {
		b.scaleShift(s.BatchNorm, true, in(4), out)
	})
	register(func(b *builder, s spec.BatchNormParamsGrad) {
		grid, parts := parted(s.C, s.N*s.Plane)
		b.work(4 * s.C * parts)
		b.launchNormParamsGrad(grid, s.N, s.C, divisor(s.Plane), s.Relu, in(0), in(1), in(2), in(3), in(4), work(0), out, output(1))
		b.addTwoParts(s.C, parts)
	})
	register(func(b *builder, s spec.BatchNormGrad) {
		n := s.N * s.C * s.Plane
		b.launchNormGrad(flat(n), n, divisor(s.C), divisor(s.Plane), s.N, s.Relu, in(0), in(1), in(2), in(3), in(4), in(5).or(!s.Fixed), in(6).or(!s.Fixed), out)
	})
}

// scaleShift is a batch normalisation of inputs 0 to 3, plus z if it is not null.
func (b *builder) scaleShift(s spec.BatchNorm, relu bool, z, y operand) {
	n := s.N * s.C * s.Plane
	b.launchScaleShift(flat(n), n, divisor(s.C), divisor(s.Plane), relu, in(0), in(1), in(2), in(3), z, y)
}
