package gpu

import "medusa/internal/spec"

func (b *builder) depthForward(c spec.Conv2D, bias operand, relu bool, y operand) {
	n, plane := sizeY(c), c.OutH()*c.OutW()
	b.launchDepthForward(flat(n), n, divisor(c.C), divisor(plane), divisor(c.OutW()), c.H, c.W, c.KH, c.KW,
		c.PadH, c.PadW, c.StrideH, c.StrideW, c.DilH, c.DilW, in(0), in(1), bias, relu, y)
}

func (b *builder) depthToInput(c spec.Conv2D) {
	n := sizeX(c)
	b.launchDepthToInput(flat(n), n, divisor(c.C), divisor(c.H*c.W), divisor(c.W), c.OutH(), c.OutW(), c.KH, c.KW,
		c.PadH, c.PadW, divisor(c.StrideH), divisor(c.StrideW), c.DilH, c.DilW, in(0), in(1), out)
}

func (b *builder) depthToWeight(c spec.Conv2D) {
	n, plane := sizeW(c), c.OutH()*c.OutW()
	grid, parts := parted(n, c.N*plane)
	b.work(2 * n * parts)
	b.launchDepthToWeight(grid, c.N, c.C, divisor(plane), divisor(c.OutW()), c.H, c.W, c.KH, c.KW,
		c.PadH, c.PadW, c.StrideH, c.StrideW, c.DilH, c.DilW, in(0), in(1), work(0), out)
	b.addParts(n, parts, out)
}
