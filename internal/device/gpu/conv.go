package gpu

import (
	"github.com/pkg/errors"

	"medusa/internal/cuda"
	"medusa/internal/device"
	"medusa/internal/device/cpu"
)

// convolution gathers the steps of the specs of convolutions.
func (b *builder) convolution(spec any) {
	switch s := spec.(type) {
	case device.Conv:
		b.convForward(s.Conv2D, in(2).or(s.Bias), s.Relu, out)
	case device.ConvNorm:
		b.convForward(s.Conv2D, null, false, out)
		b.normInPlace(s.Conv2D, s.Relu, out)
	case device.ConvPool:
		n := s.N * s.OutC * s.OutH() * s.OutW()
		b.work(n)
		b.spare = aligned(n)
		b.convForward(s.Conv2D, in(2).or(s.Bias), false, work(0))
		if s.Norm {
			b.normInPlace(s.Conv2D, false, work(0))
		}
		b.maxPool(s.Pool, s.Relu, s.Saved, work(0))
	case device.ConvGradInput:
		if b.library(s.Conv2D, func(c *cuda.Convolution, p [3]*cuda.Buffer, space *cuda.Buffer) error {
			return c.BackwardData(1, p[1], p[0], 0, p[2], space)
		}, in(0), in(1), out) {
			return
		}
		b.perGroup(s.Conv2D, func(c cpu.Conv2D, g group) {
			b.launch("conv_to_input", tiles(c.C/c.Groups, c.N*c.H*c.W, 1), append(g.sizes,
				in(0).from(g.y), in(1).from(g.w), out.from(g.x))...)
		})
	case device.ConvGradWeight:
		b.convGradWeight(s)
	case device.BiasGrad:
		buf := b.d.sums[s.Sums]
		if buf == nil {
			b.err = errNoSums
			return
		}
		b.step(copyOf(out, fixed(buf), buf.Bytes()/4))
	}
}

// group is one group of channels: the first arguments of the kernels, and where it begins in
// the picture, the result and the filters.
type group struct {
	sizes   []any
	x, y, w int
	first   int // of its filters
}

func (b *builder) perGroup(c cpu.Conv2D, body func(c cpu.Conv2D, g group)) {
	c = c.WithDefaults()
	cg, og := c.C/c.Groups, c.OutC/c.Groups
	for i := range c.Groups {
		body(c, group{
			sizes: []any{c.N, cg, c.H, c.W, og, c.KH, c.KW, c.OutH(), c.OutW(), c.PadH, c.PadW, c.StrideH, c.StrideW, c.DilH, c.DilW, c.C, c.OutC},
			x:     i * cg * c.H * c.W, y: i * og * c.OutH() * c.OutW(), w: i * og * cg * c.KH * c.KW, first: i * og,
		})
	}
}

func (b *builder) convForward(c cpu.Conv2D, bias operand, relu bool, y operand) {
	if b.library(c, func(c *cuda.Convolution, p [3]*cuda.Buffer, space *cuda.Buffer) error {
		return c.Forward(1, p[0], p[1], 0, p[2], space)
	}, in(0), in(1), y) {
		if plane := c.OutH() * c.OutW(); bias != null || relu {
			b.launch("bias_relu", flat(c.N*c.OutC*plane), c.N*c.OutC*plane, divisor(c.OutC), divisor(plane), relu, bias, y)
		}
		return
	}
	b.perGroup(c, func(c cpu.Conv2D, g group) {
		own := bias
		if own != null {
			own = bias.from(g.first)
		}
		b.launch("conv_forward", tiles(c.OutC/c.Groups, c.N*c.OutH()*c.OutW(), 1), append(g.sizes,
			in(0).from(g.x), in(1).from(g.w), own, relu, y.from(g.y))...)
	})
}

// normInPlace normalises a convolution's result by inputs 2 to 4: statistics, γ and β.
func (b *builder) normInPlace(c cpu.Conv2D, relu bool, y operand) {
	plane := c.OutH() * c.OutW()
	n := c.N * c.OutC * plane
	b.launch("scale_shift", flat(n), n, divisor(c.OutC), divisor(plane), relu, y, in(2), in(3), in(4), null, y)
}

// weightParts is in how many parts the places of a gradient to weights are cut, by the sizes
// alone: enough blocks to fill a large GPU, none with less than some hundred places.
func weightParts(c cpu.Conv2D) (parts, each int) {
	const blocksWanted, fewest = 512, 256
	places := c.N * c.OutH() * c.OutW()
	grid := tiles(c.OutC/c.Groups, c.C/c.Groups*c.KH*c.KW, 1)
	parts = max(1, min(blocksWanted/(grid.X*grid.Y), places/fewest))
	each = (places + parts - 1) / parts
	return (places + each - 1) / each, each
}

func (b *builder) convGradWeight(s device.ConvGradWeight) {
	if s.Bias != nil {
		buf := b.own(s.OutC)
		if buf == nil {
			return
		}
		b.d.sums[s.Bias] = buf
		b.done = append(b.done, func() { delete(b.d.sums, s.Bias) })
		b.channelSum(s.N, s.OutC, s.OutH()*s.OutW(), in(1), fixed(buf))
	}
	if b.library(s.Conv2D, func(c *cuda.Convolution, p [3]*cuda.Buffer, space *cuda.Buffer) error {
		return c.BackwardFilter(1, p[0], p[1], 0, p[2], space)
	}, in(0), in(1), out) {
		return
	}
	b.perGroup(s.Conv2D, func(c cpu.Conv2D, g group) {
		rows, cols := c.OutC/c.Groups, c.C/c.Groups*c.KH*c.KW
		parts, each := weightParts(c)
		b.work(parts * rows * cols)
		b.launch("conv_to_weight", tiles(rows, cols, parts), append(g.sizes, in(0).from(g.x), in(1).from(g.y), each, work(0))...)
		b.launch("sum_parts", flat(rows*cols), rows*cols, parts, work(0), out.from(g.w))
	})
}

// aligned is n numbers, rounded up to where libraries want memory to begin.
func aligned(n int) int { return (n + 63) / 64 * 64 }

// dnnStep is one pass of a convolution by cuDNN.
type dnnStep struct {
	c     *cuda.Convolution
	pass  func(c *cuda.Convolution, p [3]*cuda.Buffer, space *cuda.Buffer) error
	parts [3]part
	space part
}

func (s *dnnStep) run(b *buffers) error {
	var p [3]*cuda.Buffer
	for i := range s.parts {
		if _, err := s.parts[i].bind(b); err != nil {
			return err
		}
		p[i] = s.parts[i].buf
	}
	if _, err := s.space.bind(b); err != nil {
		return err
	}
	return errors.Wrap(s.pass(s.c, p, s.space.buf), "gpu: cuDNN")
}

// mostWorkspace is what an algorithm of cuDNN may ask for.
const mostWorkspace = 256 << 20

// library lets cuDNN make a pass over the three operands, if it is there.
func (b *builder) library(c cpu.Conv2D, pass func(*cuda.Convolution, [3]*cuda.Buffer, *cuda.Buffer) error, operands ...operand) bool {
	if b.d.dnn == nil || b.err != nil {
		return false
	}
	conv, err := b.d.convolution(c)
	if err != nil {
		return false // not every shape suits every cuDNN
	}
	b.work(b.spare + aligned((conv.Workspace()+3)/4))
	s := &dnnStep{c: conv, pass: pass, space: part{o: work(b.spare)}}
	for i, o := range operands {
		s.parts[i] = part{o: o}
	}
	b.step(s)
	return true
}

// convolution is cuDNN's description of a shape, which all passes over it share.
func (d *Device) convolution(c cpu.Conv2D) (*cuda.Convolution, error) {
	c = c.WithDefaults()
	shape := cuda.ConvShape{
		N: c.N, C: c.C, H: c.H, W: c.W, K: c.OutC, R: c.KH, S: c.KW, PadH: c.PadH, PadW: c.PadW, StrideH: c.StrideH, StrideW: c.StrideW,
		DilateH: c.DilH, DilateW: c.DilW, Groups: c.Groups, TF32: d.options.TF32, AnyOrder: d.options.AnyOrder, MostWorkspace: mostWorkspace,
	}
	if conv := d.convs[shape]; conv != nil {
		return conv, nil
	}
	conv, err := d.dnn.Convolution(shape)
	if err != nil {
		return nil, errors.Wrap(err, "gpu: cuDNN")
	}
	d.convs[shape] = conv
	return conv, nil
}
