package graph

import (
	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/internal/device"
	"medusa/internal/device/cpu"
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
	spec := device.MaxPool{Pool2D: q, Saved: new(device.Saved)}
	return applyStateful(spec, out, maxPoolGradient(spec), x)
}

func maxPoolGradient(s device.MaxPool) gradient {
	return func(_ []Expr, out, g Expr, _ []bool) []Expr { return []Expr{unpooled(s, out, g)} }
}

// convPoolGradient is that of the pooling of a convolution, without a normalisation between.
func convPoolGradient(s device.ConvPool) gradient {
	return func(in []Expr, out, g Expr, need []bool) []Expr {
		return convGrads(s.Conv2D, in, unpooled(device.MaxPool{Pool2D: s.Pool, Relu: s.Relu, Saved: s.Saved}, out, g), need)
	}
}

// unpooled is the gradient to what is pooled, given the maxima and the gradient to them. With a ReLU
// it is gated first, where it is of so many times fewer elements.
func unpooled(s device.MaxPool, out, g Expr) Expr {
	s.Saved.Wanted = true
	if s.Relu {
		g = reluGrad(out, g)
	}
	shape := out.Shape()
	return applyStateful(device.MaxPoolGrad(s), tensor.Shape{shape[0], shape[1], s.H, s.W}, nil, g, out)
}

// AvgPool is the mean of each window of x (B, C, H, W), (B, C, OutH, OutW).
func AvgPool(x Expr, p Pool) Expr {
	q, out, err := p.geometryOf(x)
	if err != nil {
		return Fail(err)
	}
	return apply(device.AvgPool{Pool2D: q}, out, func(in []Expr, _, g Expr, _ []bool) []Expr {
		return []Expr{apply(device.AvgPoolGrad{Pool2D: q}, in[0].Shape(), nil, g)}
	}, x)
}

func (p Pool) geometryOf(x Expr) (q cpu.Pool2D, out tensor.Shape, err error) {
	if err := x.Err(); err != nil {
		return q, nil, err
	}
	return p.geometry(x.Shape())
}

func (p Pool) geometry(s tensor.Shape) (q cpu.Pool2D, out tensor.Shape, err error) {
	if s.Dims() != 4 {
		return q, nil, errors.Errorf("graph: pooling of shape %v, want (B, C, H, W)", s)
	}
	for i, n := range p.Stride {
		if n == 0 {
			p.Stride[i] = p.Window[i]
		}
	}
	q = cpu.Pool2D{
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
	spec := device.PlaneMean{Planes: s[0] * s[1], Size: s[2] * s[3]}
	return apply(spec, s[:2], func(in []Expr, _, g Expr, _ []bool) []Expr {
		return []Expr{apply(device.PlaneMeanGrad(spec), in[0].Shape(), nil, g)}
	}, x)
}
