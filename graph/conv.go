package graph

import (
	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/internal/spec"
)

// Conv says how a convolution moves over the picture. Its zero value steps one pixel,
// without padding, over all channels at once. Each pair is height, width.
type Conv struct {
	Stride   [2]int // step of the window; 1 if zero
	Pad      [2]int // zeros on each side
	Dilation [2]int // distance between the window's pixels; 1 if zero
	Groups   int    // channels fall into so many independent groups; 1 if zero
}

// Conv2D is the convolution (cross-correlation, as everywhere in the field) of x
// (B, C, H, W) with w (O, C/Groups, KH, KW) plus bias (O), or the zero Expr for none:
// (B, O, OutH, OutW) with OutH = ⌊(H + 2·Pad − Dilation·(KH−1) − 1)/Stride⌋ + 1.
func Conv2D(x, w, bias Expr, c Conv) Expr {
	if err := firstError(x, w); err != nil {
		return Fail(err)
	}
	p, err := c.geometry(x.Shape(), w.Shape())
	if err != nil {
		return Fail(errors.Wrap(err, "graph"))
	}
	in, err := withBias([]Expr{x, w}, bias, p.OutC)
	if err != nil {
		return Fail(errors.Wrap(err, "graph: convolution"))
	}
	what := spec.Conv{Conv2D: p, Bias: len(in) == 3}
	return apply(what, tensor.Shape{p.N, p.OutC, p.OutH(), p.OutW()}, convGradient(what), in...)
}

func convGradient(s spec.Conv) gradient {
	return func(in []Expr, out, g Expr, need []bool) []Expr {
		if s.Relu {
			g = reluGrad(out, g)
		}
		return convGrads(s.Conv2D, in, g, need)
	}
}

// convGrads are the gradients of a convolution to x, w and, if there is one, the bias.
func convGrads(p spec.Conv2D, in []Expr, g Expr, need []bool) []Expr {
	grads := make([]Expr, len(in))
	if need[0] {
		grads[0] = apply(spec.ConvGradInput{Conv2D: p}, in[0].Shape(), nil, g, in[1])
	}
	biased := len(in) == 3 && need[2]
	if need[1] {
		grads[1] = apply(spec.ConvGradWeight{Conv2D: p}, in[1].Shape(), nil, in[0], g)
	}
	switch {
	case need[1] && biased: // one pass for both
		grads[2] = grads[1].output(1)
	case biased:
		grads[2] = channelSum(g)
	}
	return grads
}

func (c Conv) geometry(x, w tensor.Shape) (spec.Conv2D, error) {
	if x.Dims() != 4 || w.Dims() != 4 {
		return spec.Conv2D{}, errors.Errorf("convolution of shapes x %v and w %v, want (B, C, H, W) and (O, C/groups, KH, KW)", x, w)
	}
	p := spec.Conv2D{
		N: x[0], C: x[1], H: x[2], W: x[3], OutC: w[0], KH: w[2], KW: w[3],
		StrideH: c.Stride[0], StrideW: c.Stride[1], PadH: c.Pad[0], PadW: c.Pad[1],
		DilH: c.Dilation[0], DilW: c.Dilation[1], Groups: c.Groups,
	}
	for _, v := range []*int{&p.StrideH, &p.StrideW, &p.DilH, &p.DilW, &p.Groups} {
		if *v == 0 {
			*v = 1
		}
	}
	if err := p.Validate(); err != nil {
		return p, err
	}
	if w[1] != p.C/p.Groups {
		return p, errors.Errorf("convolution of %d channels in %d groups with w %v, whose filters have %d channels, want %d",
			p.C, p.Groups, w, w[1], p.C/p.Groups)
	}
	return p, nil
}
