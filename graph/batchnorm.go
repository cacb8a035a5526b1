package graph

import (
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/internal/device"
	"medusa/internal/device/cpu"
)

// BatchNorm says how a batch is normalised. Its zero value evaluates: it uses the
// running statistics.
type BatchNorm struct {
	Train    bool    // use the batch's statistics and move the running ones towards them
	Momentum float64 // how far the running statistics move at each run; 0.1 if zero
	Eps      float64 // added to the variance; 1e-5 if zero
	Relu     bool    // the output is cut at zero
}

// Norm normalises each channel of x (B, C, H, W) or (B, C),
//
//	y = γ·(x − mean)/√(variance + Eps) + β,
//
// with learned γ, β (C). mean and variance (C) are buffers of Params. When training, the
// batch's mean and biased variance are used, and each run moves the buffers by Momentum
// towards the mean and the unbiased variance, as PyTorch does; otherwise the buffers are
// used and left alone.
//
// S. Ioffe and C. Szegedy, "Batch Normalization: Accelerating Deep Network Training by
// Reducing Internal Covariate Shift", ICML 2015.
func (b BatchNorm) Norm(x, gamma, beta, mean, variance Expr) Expr {
	geometry, err := b.check(x, gamma, beta, mean, variance)
	if err != nil {
		return Fail(err)
	}
	if b.Momentum == 0 {
		b.Momentum = 0.1
	}
	if b.Eps == 0 {
		b.Eps = 1e-5
	}
	stats := b.statistics(geometry, x, mean.Detach(), variance.Detach())
	return apply(device.BatchNorm{BatchNorm: geometry}, x.Shape(), func(in []Expr, _, g Expr, need []bool) []Expr {
		return b.grad(geometry, in, g, need)
	}, x, stats, gamma, beta)
}

// NormAdd is max(0, Norm + y) for y of x's shape, the end of a residual block, in one pass.
// Its derivative where the sum is 0 is 0.
func (b BatchNorm) NormAdd(x, gamma, beta, mean, variance, y Expr) Expr {
	geometry, err := b.check(x, gamma, beta, mean, variance)
	if err == nil {
		err = y.Err()
	}
	if err != nil {
		return Fail(err)
	}
	if !slices.Equal(x.Shape(), y.Shape()) {
		return Fail(errors.Errorf("graph: sum of a residual block of shapes %v and %v, want one shape", x.Shape(), y.Shape()))
	}
	if b.Momentum == 0 {
		b.Momentum = 0.1
	}
	if b.Eps == 0 {
		b.Eps = 1e-5
	}
	geometry.Relu = false // that of the sum does it
	stats := b.statistics(geometry, x, mean.Detach(), variance.Detach())
	return apply(device.BatchNormAdd{BatchNorm: geometry}, x.Shape(), func(in []Expr, out, g Expr, need []bool) []Expr {
		g = reluGrad(out, g)
		return append(b.grad(geometry, in[:4], g, need[:4]), g)
	}, x, stats, gamma, beta, y)
}

// NormPool is MaxPool of Norm, in one pass: what is normalised is not kept.
func (b BatchNorm) NormPool(x, gamma, beta, mean, variance Expr, pool Pool) Expr {
	p, err := b.check(x, gamma, beta, mean, variance)
	if err != nil {
		return Fail(err)
	}
	q, out, err := pool.geometryOf(x)
	if err != nil {
		return Fail(err)
	}
	if b.Momentum == 0 {
		b.Momentum = 0.1
	}
	if b.Eps == 0 {
		b.Eps = 1e-5
	}
	p.Relu = false // that of the pooling does it
	stats := b.statistics(p, x, mean.Detach(), variance.Detach())
	spec := device.NormPool{BatchNorm: p, Pool: q, Relu: b.Relu || pool.Relu, Saved: new(device.Saved)}
	return applyStateful(spec, out, func(in []Expr, out, g Expr, need []bool) []Expr {
		return b.grad(p, in, maxPoolGrad(q, spec.Saved, spec.Relu, out, g), need)
	}, x, stats, gamma, beta)
}

// NormConv is Norm of the convolution of x with w, without a bias. When evaluating, it is
// one pass, but for a single picture, where scaling the weights takes longer; its gradient
// computes the convolution again.
func (b BatchNorm) NormConv(x, w, gamma, beta, mean, variance Expr, c Conv) Expr {
	if err := firstError(x, w); err != nil {
		return Fail(err)
	}
	if b.Train || c.Relu || x.Shape()[0] == 1 {
		return b.Norm(Conv2D(x, w, Expr{}, c), gamma, beta, mean, variance)
	}
	p, err := c.geometry(x.Shape(), w.Shape())
	if err != nil {
		return Fail(errors.Wrap(err, "graph"))
	}
	if b.Eps == 0 {
		b.Eps = 1e-5
	}
	out := tensor.Shape{p.N, p.OutC, p.OutH(), p.OutW()}
	geometry, err := b.checkShape(out, gamma, beta, mean, variance)
	if err != nil {
		return Fail(err)
	}
	stats := b.statistics(geometry, Expr{}, mean.Detach(), variance.Detach())
	spec := device.ConvNorm{Conv2D: p, Relu: b.Relu}
	return apply(spec, out, func(in []Expr, _, g Expr, need []bool) []Expr {
		return b.convGrads(p, geometry, in, g, need, c)
	}, x, w, stats, gamma, beta)
}

// NormConvPool is MaxPool of NormConv, when evaluating in one pass.
func (b BatchNorm) NormConvPool(x, w, gamma, beta, mean, variance Expr, c Conv, pool Pool) Expr {
	if err := firstError(x, w); err != nil {
		return Fail(err)
	}
	if b.Train || c.Relu || x.Shape()[0] == 1 {
		return MaxPool(b.NormConv(x, w, gamma, beta, mean, variance, c), pool)
	}
	p, err := c.geometry(x.Shape(), w.Shape())
	if err != nil {
		return Fail(errors.Wrap(err, "graph"))
	}
	if b.Eps == 0 {
		b.Eps = 1e-5
	}
	y := tensor.Shape{p.N, p.OutC, p.OutH(), p.OutW()}
	geometry, err := b.checkShape(y, gamma, beta, mean, variance)
	if err != nil {
		return Fail(err)
	}
	q, out, err := pool.geometry(y)
	if err != nil {
		return Fail(err)
	}
	stats := b.statistics(geometry, Expr{}, mean.Detach(), variance.Detach())
	geometry.Relu = false // that of the pooling does it
	spec := device.ConvPool{Conv2D: p, Pool: q, Norm: true, Relu: b.Relu || pool.Relu, Saved: new(device.Saved)}
	return applyStateful(spec, out, func(in []Expr, out, g Expr, need []bool) []Expr {
		return b.convGrads(p, geometry, in, maxPoolGrad(q, spec.Saved, spec.Relu, out, g), need, c)
	}, x, w, stats, gamma, beta)
}

// convGrads are the gradients of NormConv: to x, w, statistics, γ and β.
func (b BatchNorm) convGrads(p cpu.Conv2D, n cpu.BatchNorm, in []Expr, g Expr, need []bool, c Conv) []Expr {
	y := Conv2D(in[0], in[1], Expr{}, c)
	norm := b.grad(n, []Expr{y, in[2], in[3], in[4]}, g, []bool{need[0] || need[1], false, need[3], need[4]})
	conv := make([]Expr, 2)
	if need[0] || need[1] {
		conv = convGrads(p, in[:2], norm[0], need[:2])
	}
	return append(conv, norm[1:]...)
}

func (b BatchNorm) statistics(p cpu.BatchNorm, x, mean, variance Expr) Expr {
	shape := tensor.Shape{2, p.C}
	if !b.Train {
		return apply(device.RunningStats{C: p.C, Eps: b.Eps}, shape, nil, mean, variance)
	}
	spec := device.BatchStats{N: p.N, C: p.C, Plane: p.Plane, Momentum: b.Momentum, Eps: b.Eps}
	return applyStateful(spec, shape, nil, x, mean, variance).Detach()
}

// grad is the gradient to x, γ and β. The path from x through the statistics is part of
// the gradient to x, so the statistics get none of their own.
func (b BatchNorm) grad(p cpu.BatchNorm, in []Expr, g Expr, need []bool) []Expr {
	grads := make([]Expr, len(in))
	args := append(slices.Clone(in), g)
	params := func() Expr {
		return apply(device.BatchNormParamsGrad{BatchNorm: p}, tensor.Shape{2, p.C}, nil, args...)
	}
	for i := range 2 {
		if need[2+i] {
			grads[2+i] = apply(device.Row{I: i, Cols: p.C}, tensor.Shape{p.C}, nil, params())
		}
	}
	if !need[0] {
		return grads
	}
	if b.Train {
		args = append(args, params())
	}
	grads[0] = apply(device.BatchNormGrad{BatchNorm: p, Fixed: !b.Train}, in[0].Shape(), nil, args...)
	return grads
}

func (b BatchNorm) check(x, gamma, beta, mean, variance Expr) (p cpu.BatchNorm, err error) {
	if err := firstError(x); err != nil {
		return p, err
	}
	return b.checkShape(x.Shape(), gamma, beta, mean, variance)
}

// checkShape is check for x of a shape.
func (b BatchNorm) checkShape(s tensor.Shape, gamma, beta, mean, variance Expr) (p cpu.BatchNorm, err error) {
	if err := firstError(gamma, beta, mean, variance); err != nil {
		return p, err
	}
	switch s.Dims() {
	case 2:
		p = cpu.BatchNorm{N: s[0], C: s[1], Plane: 1, Relu: b.Relu}
	case 4:
		p = cpu.BatchNorm{N: s[0], C: s[1], Plane: s[2] * s[3], Relu: b.Relu}
	default:
		return p, errors.Errorf("graph: batch normalisation of shape %v, want (B, C, H, W) or (B, C)", s)
	}
	for i, e := range []Expr{gamma, beta, mean, variance} {
		if !slices.Equal(e.Shape(), tensor.Shape{p.C}) {
			name := [...]string{"γ", "β", "running mean", "running variance"}[i]
			return p, errors.Errorf("graph: batch normalisation of shape %v: %s has shape %v, want (%d)", s, name, e.Shape(), p.C)
		}
	}
	if b.Train && p.N*p.Plane < 2 {
		return p, errors.Errorf("graph: batch normalisation of shape %v has one number a channel, want at least 2 for a variance; take larger batches or evaluate", s)
	}
	if b.Momentum < 0 || b.Momentum > 1 || b.Eps < 0 {
		return p, errors.Errorf("graph: batch normalisation with momentum %v and eps %v, want 0 to 1 and at least 0", b.Momentum, b.Eps)
	}
	return p, nil
}
