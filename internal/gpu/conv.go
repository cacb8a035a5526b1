package gpu

import (
	"github.com/pkg/errors"

	"medusa/internal/cuda"
	"medusa/internal/spec"
)

func init() {
	register(func(b *builder, s spec.Conv) {
		b.convForward(s.Conv2D, in(2).or(s.Bias), s.Relu, out)
	})
	register(func(b *builder, s spec.ConvNorm) {
		b.convForward(s.Conv2D, null, false, out)
		b.normInPlace(s.Conv2D, s.Relu, out)
	})
	registerSome(func(b *builder, s spec.ConvGradInput) bool {
		c := s.Conv2D.WithDefaults()
		b.faster("to input", c, []int{sizeY(c), sizeW(c)}, sizeX(c), func(b *builder) bool {
			return b.library(c, func(c *cuda.Convolution, p [3]*cuda.Buffer, space *cuda.Buffer) error {
				return c.BackwardData(1, p[1], p[0], 0, p[2], space)
			}, in(0), in(1), out)
		}, func(b *builder) { b.convToInput(c) })
		return true
	})
	register((*builder).convGradWeight)
}

// sizeX, sizeW and sizeY are the numbers of elements of a convolution's tensors.
func sizeX(c spec.Conv2D) int { return c.N * c.C * c.H * c.W }

func sizeW(c spec.Conv2D) int { return c.OutC * c.C / c.Groups * c.KH * c.KW }

func sizeY(c spec.Conv2D) int { return c.N * c.OutC * c.OutH() * c.OutW() }

// sizes is a convolution as its kernels take it; false if its tensors are too large for them.
func (b *builder) sizes(c spec.Conv2D) (sizesArgs, bool) {
	for _, n := range []int{sizeX(c), sizeY(c), sizeW(c)} {
		if n > mostCounted {
			b.add(nil, errors.Errorf("gpu: convolution with a tensor of %d numbers, want at most %d: take a smaller batch", n, mostCounted))
			return sizesArgs{}, false
		}
	}
	return sizesArgs{images: c.N, c: c.C / c.Groups, h: c.H, w: c.W, outc: c.OutC / c.Groups, kh: c.KH, kw: c.KW, oh: c.OutH(), ow: c.OutW(),
		padh: c.PadH, padw: c.PadW, sh: c.StrideH, sw: c.StrideW, dh: c.DilH, dw: c.DilW, groups: c.Groups}, true
}

// cut is cutProduct for a convolution: a product for each of times groups.
func (b *builder) cut(rows, cols, k, times int) cut {
	return cutProduct(rows, cols, k, times, b.d.processors, b.d.options.TF32)
}

// gridOf is the grid of the kernel of a cut convolution.
func (b *builder) gridOf(how cut, rows, cols, times int) cuda.Dim {
	if times > mostDeep {
		b.add(nil, errors.Errorf("gpu: convolution of %d groups, times the strides for a gradient, want at most %d", times, mostDeep))
	}
	return cuda.Dim{X: how.tiles(rows, cols), Z: times * how.parts}
}

func (b *builder) convForward(c spec.Conv2D, bias operand, relu bool, y operand) {
	c = c.WithDefaults()
	b.faster("forward", c, []int{sizeX(c), sizeW(c), c.OutC}, sizeY(c), func(b *builder) bool {
		ok := b.library(c, func(c *cuda.Convolution, p [3]*cuda.Buffer, space *cuda.Buffer) error {
			return c.Forward(1, p[0], p[1], 0, p[2], space)
		}, in(0), in(1), y)
		if n, plane := sizeY(c), c.OutH()*c.OutW(); ok && (bias != null || relu) {
			b.launchBiasRelu(flat(n), n, divisor(c.OutC), divisor(plane), relu, bias, y)
		}
		return ok
	}, func(b *builder) { b.ownForward(c, bias, relu, y) })
}

// ownForward is convForward by kernels of ours.
func (b *builder) ownForward(c spec.Conv2D, bias operand, relu bool, y operand) {
	sizes, ok := b.sizes(c)
	if !ok {
		return
	}
	if c.Depthwise() {
		b.depthForward(c, bias, relu, y)
		return
	}
	cg, og, taps, plane := c.C/c.Groups, c.OutC/c.Groups, c.KH*c.KW, c.OutH()*c.OutW()
	filters, at := in(1), b.spare
	if taps > 1 {
		filters = work(at)
		n := sizeW(c)
		at += aligned(n)
		b.work(at)
		b.launchConvFilters(flat(n), n, og, cg, taps, false, in(1), filters)
	}
	how := b.cut(og, c.N*plane, cg*taps, c.Groups)
	b.inParts(how, at, sizeY(c), y, epilogue{bias: bias, relu: relu, channels: c.OutC, plane: plane}, func(to operand, e epilogue) {
		b.launchConvForward(how.suffix(b.d.options.TF32), b.gridOf(how, og, c.N*plane, c.Groups), sizes,
			divisor(cg), divisor(c.KW), how.parts, how.each, in(0), filters, e.bias, e.relu, to)
	})
}

// convToInput is the gradient to a convolution's input.
func (b *builder) convToInput(c spec.Conv2D) {
	sizes, ok := b.sizes(c)
	if !ok {
		return
	}
	if c.Depthwise() {
		b.depthToInput(c)
		return
	}
	cg, og, taps := c.C/c.Groups, c.OutC/c.Groups, c.KH*c.KW
	n := sizeW(c)
	at := aligned(n)
	b.work(at)
	b.launchConvFilters(flat(n), n, cg, og, taps, true, in(1), work(0))
	phases := c.StrideH * c.StrideW
	pixels := c.N * ((c.H + c.StrideH - 1) / c.StrideH) * ((c.W + c.StrideW - 1) / c.StrideW)
	how := b.cut(cg, pixels, og*taps, c.Groups*phases)
	b.inParts(how, at, sizeX(c), out, epilogue{channels: 1, plane: 1}, func(to operand, _ epilogue) {
		b.launchConvToInput(how.suffix(b.d.options.TF32), b.gridOf(how, cg, pixels, c.Groups*phases), sizes,
			divisor(og), divisor(c.KW), divisor(c.StrideH), divisor(c.StrideW), how.parts, how.each, in(0), work(0), to)
	})
}

// normInPlace normalises a convolution's result by inputs 2 to 4: statistics, γ and β.
func (b *builder) normInPlace(c spec.Conv2D, relu bool, y operand) {
	n, plane := sizeY(c), c.OutH()*c.OutW()
	b.launchScaleShift(flat(n), n, divisor(c.OutC), divisor(plane), relu, y, in(2), in(3), in(4), null, y)
}

func (b *builder) convGradWeight(s spec.ConvGradWeight) {
	b.ifRead(1, func() { b.channelSum(s.N, s.OutC, s.OutH()*s.OutW(), in(1), output(1)) })
	c := s.Conv2D.WithDefaults()
	b.faster("to weights", c, []int{sizeX(c), sizeY(c)}, sizeW(c), func(b *builder) bool {
		return b.library(c, func(c *cuda.Convolution, p [3]*cuda.Buffer, space *cuda.Buffer) error {
			return c.BackwardFilter(1, p[0], p[1], 0, p[2], space)
		}, in(0), in(1), out)
	}, func(b *builder) { b.convToWeight(c) })
}

// convToWeight is the gradient to a convolution's weights by kernels of ours.
func (b *builder) convToWeight(c spec.Conv2D) {
	sizes, ok := b.sizes(c)
	if !ok {
		return
	}
	if c.Depthwise() {
		b.depthToWeight(c)
		return
	}
	rows, cols, plane := c.OutC/c.Groups, c.C/c.Groups*c.KH*c.KW, c.OutH()*c.OutW()
	how := b.cut(rows, cols, c.N*plane, c.Groups)
	b.inParts(how, 0, sizeW(c), out, epilogue{channels: 1, plane: 1}, func(to operand, _ epilogue) {
		b.launchConvToWeight(how.suffix(b.d.options.TF32), b.gridOf(how, rows, cols, c.Groups), sizes,
			divisor(plane), divisor(c.OutW()), how.parts, how.each, in(0), in(1), to)
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
func (b *builder) library(c spec.Conv2D, pass func(*cuda.Convolution, [3]*cuda.Buffer, *cuda.Buffer) error, operands ...operand) bool {
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
func (d *Device) convolution(c spec.Conv2D) (*cuda.Convolution, error) {
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
