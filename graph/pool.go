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
	Relu       bool   // a maximum is cut at zero
}

// MaxPool is the largest pixel of each window of x (B, C, H, W): (B, C, OutH, OutW) with
// OutH = ⌊(H + 2·Pad − Window)/Stride⌋ + 1. Padding never wins. Of equal pixels the first
// gets the gradient. With Relu, the result is cut at zero: that is what pooling of a ReLU
// gives, with a gradient to gate of so many times fewer elements.
func MaxPool(x Expr, p Pool) Expr {
	q, out, err := p.geometryOf(x)
	if err != nil {
		return Fail(err)
	}
	spec := device.MaxPool{Pool2D: q, Relu: p.Relu, Saved: new(device.Saved)}
	return applyStateful(spec, out, func(in []Expr, out, g Expr, _ []bool) []Expr {
		spec.Saved.Wanted = true
		if p.Relu {
			g = reluGrad(out, g)
		}
		return []Expr{applyStateful(device.MaxPoolGrad(spec), in[0].Shape(), nil, g, out)}
	}, x)
}

// ConvMaxPool is MaxPool of Conv2D, in one pass: the convolution's result, several times
// as large, is not kept.
func ConvMaxPool(x, w, bias Expr, c Conv, p Pool) Expr {
	if err := firstError(x, w); err != nil {
		return Fail(err)
	}
	q, err := c.geometry(x.Shape(), w.Shape())
	if err != nil {
		return Fail(errors.Wrap(err, "graph"))
	}
	in, err := withBias([]Expr{x, w}, bias, q.OutC)
	if err != nil {
		return Fail(errors.Wrap(err, "graph: convolution"))
	}
	pool, out, err := p.geometry(tensor.Shape{q.N, q.OutC, q.OutH(), q.OutW()})
	if err != nil {
		return Fail(err)
	}
	// The larger of 0 and the maximum is the maximum of what is cut at 0.
	spec := device.ConvPool{Conv2D: q, Pool: pool, Bias: len(in) == 3, Relu: c.Relu || p.Relu, Saved: new(device.Saved)}
	return applyStateful(spec, out, func(in []Expr, out, g Expr, need []bool) []Expr {
		return convGrads(q, in, maxPoolGrad(spec.Pool, spec.Saved, spec.Relu, out, g), need)
	}, in...)
}

// maxPoolGrad is the gradient to what is pooled.
func maxPoolGrad(p cpu.Pool2D, saved *device.Saved, relu bool, out, g Expr) Expr {
	saved.Wanted = true
	if relu {
		g = reluGrad(out, g)
	}
	s := out.Shape()
	return applyStateful(device.MaxPoolGrad{Pool2D: p, Saved: saved}, tensor.Shape{s[0], s[1], p.H, p.W}, nil, g, out)
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
