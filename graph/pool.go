package graph

import (
	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/internal/spec"
)

// Pool says how a pooling window moves over the picture. Each pair is height, width.
type Pool struct {
	Window     [2]int
	Stride     [2]int // step of the window; the window's size if zero
	Pad        [2]int // pixels added on each side, at most half of the window
	Ceil       bool   // the output's size is rounded up: a last window may reach beyond the picture
	ExcludePad bool   // an average does not count the padding; by default it counts as zeros
}

// MaxPool is the largest pixel of each window of x (B, C, H, W): (B, C, OutH, OutW) with
// OutH = ⌊(H + 2·Pad − Window)/Stride⌋ + 1. Padding never wins. Of equal pixels the first
// gets the gradient.
func MaxPool(x Expr, p Pool) Expr {
	q, out, err := p.geometryOf(x)
	if err != nil {
		return Fail(err)
	}
	what := spec.MaxPool{Pool2D: q}
	return apply(what, out, maxPoolGradient(what), x)
}

func maxPoolGradient(s spec.MaxPool) gradient {
	return func(_ []Expr, out, g Expr, _ []bool) []Expr { return []Expr{unpooled(s.Pool2D, s.Relu, out, g)} }
}

// convPoolGradient is that of the pooling of a convolution, without a normalisation between.
func convPoolGradient(s spec.ConvPool) gradient {
	return func(in []Expr, out, g Expr, need []bool) []Expr {
		return convGrads(s.Conv2D, in, unpooled(s.Pool, s.Relu, out, g), need)
	}
}

// unpooled is the gradient to what is pooled, given the maxima, whose op has their places, and the gradient to them. With
// a ReLU it is gated first, where it is of so many times fewer elements.
func unpooled(p spec.Pool2D, relu bool, out, g Expr) Expr {
	if relu {
		g = reluGrad(out, g)
	}
	shape := out.Shape()
	return apply(spec.MaxPoolGrad{Pool2D: p}, tensor.Shape{shape[0], shape[1], p.H, p.W}, nil, g, out.output(1))
}

// AvgPool is the mean of each window of x (B, C, H, W), (B, C, OutH, OutW).
func AvgPool(x Expr, p Pool) Expr {
	q, out, err := p.geometryOf(x)
	if err != nil {
		return Fail(err)
	}
	return apply(spec.AvgPool{Pool2D: q}, out, func(in []Expr, _, g Expr, _ []bool) []Expr {
		return []Expr{apply(spec.AvgPoolGrad{Pool2D: q}, in[0].Shape(), nil, g)}
	}, x)
}

func (p Pool) geometryOf(x Expr) (q spec.Pool2D, out tensor.Shape, err error) {
	if err := x.Err(); err != nil {
		return q, nil, err
	}
	return p.geometry(x.Shape())
}

func (p Pool) geometry(s tensor.Shape) (q spec.Pool2D, out tensor.Shape, err error) {
	if s.Dims() != 4 {
		return q, nil, errors.Errorf("graph: pooling of shape %v, want (B, C, H, W)", s)
	}
	for i, n := range p.Stride {
		if n == 0 {
			p.Stride[i] = p.Window[i]
		}
	}
	q = spec.Pool2D{
		Planes: s[0] * s[1], H: s[2], W: s[3], KH: p.Window[0], KW: p.Window[1],
		StrideH: p.Stride[0], StrideW: p.Stride[1], PadH: p.Pad[0], PadW: p.Pad[1],
		Ceil: p.Ceil, ExcludePad: p.ExcludePad,
	}
	if err := q.Validate(); err != nil {
		return q, nil, errors.Wrapf(err, "graph: shape %v", s)
	}
	return q, tensor.Shape{s[0], s[1], q.OutH(), q.OutW()}, nil
}

// GlobalAvgPool is the mean of each channel of each picture of x (B, C, H, W), (B, C).
func GlobalAvgPool(x Expr) Expr {
	if x.Err() != nil {
		return x
	}
	s := x.Shape()
	if s.Dims() != 4 {
		return Fail(errors.Errorf("graph: global pooling of shape %v, want (B, C, H, W)", s))
	}
	what := spec.PlaneMean{Planes: s[0] * s[1], Size: s[2] * s[3]}
	return apply(what, s[:2], func(in []Expr, _, g Expr, _ []bool) []Expr {
		return []Expr{apply(spec.PlaneMeanGrad(what), in[0].Shape(), nil, g)}
	}, x)
}
