package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, s spec.AddRelu) {
		b.launchAddRelu(flat(s.N), s.N, in(0), in(1), out)
	})
	register((*builder).linear)
	register(func(b *builder, s spec.ChannelSum) {
		b.channelSum(s.N, s.C, s.Plane, in(0), out)
	})
}

// channelSum sums x (N, C, plane) over images and places.
func (b *builder) channelSum(images, c, plane int, x, y operand) {
	grid, parts := parted(c, images*plane)
	b.work(2 * c * parts)
	b.launchChannelSum(grid, images, c, divisor(plane), x, work(0), y)
	b.addParts(c, parts, y)
}

func (b *builder) linear(s spec.Linear) {
	if b.d.blas == nil {
		b.ownProduct(false, true, s.B, s.O, s.F, in(0), in(1), out, epilogue{bias: in(2).or(s.Bias), relu: s.Relu})
		return
	}
	b.product(false, true, s.B, s.O, s.F, in(0), in(1), out)
	if s.Bias || s.Relu {
		b.launchBiasRelu(flat(s.B*s.O), s.B*s.O, divisor(s.O), divisor(1), s.Relu, in(2).or(s.Bias), out)
	}
}
