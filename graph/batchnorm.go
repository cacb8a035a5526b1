package graph

import (
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/internal/spec"
)

// BatchNorm says how a batch is normalised. Its zero value evaluates: it uses the
// running statistics.
type BatchNorm struct {
	Train    bool    // use the batch's statistics and move the running ones towards them
	Momentum float64 // how far the running statistics move at each run; 0.1 if zero
	Eps      float64 // added to the variance; 1e-5 if zero
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
	return apply(geometry, x.Shape(), batchNormGradient(geometry), x, stats, gamma, beta)
}

func (b BatchNorm) statistics(p spec.BatchNorm, x, mean, variance Expr) Expr {
	shape := tensor.Shape{2, p.C}
	if !b.Train {
		return apply(spec.RunningStats{C: p.C, Eps: b.Eps}, shape, nil, mean, variance)
	}
	what := spec.BatchStats{N: p.N, C: p.C, Plane: p.Plane, Momentum: b.Momentum, Eps: b.Eps}
	return applyStateful(what, shape, nil, x, mean, variance).Detach()
}

func batchNormGradient(s spec.BatchNorm) gradient {
	return func(in []Expr, _, g Expr, need []bool) []Expr { return batchNormGrads(s, in, g, need) }
}

// batchNormAddGradient is that of max(0, normalised + y), y being the last input.
func batchNormAddGradient(s spec.BatchNormAdd) gradient {
	return func(in []Expr, out, g Expr, need []bool) []Expr {
		g = reluGrad(out, g)
		return append(batchNormGrads(s.BatchNorm, in[:4], g, need[:4]), g)
	}
}

func normPoolGradient(s spec.NormPool) gradient {
	return func(in []Expr, out, g Expr, need []bool) []Expr {
		return batchNormGrads(s.BatchNorm, in, unpooled(s.Pool, s.Relu, out, g), need)
	}
}

// batchNormGrads are the gradients to x, γ and β, given x, statistics, γ and β. The path from x
// through the batch's statistics is part of the gradient to x, so they get none of their own.
func batchNormGrads(p spec.BatchNorm, in []Expr, g Expr, need []bool) []Expr {
	grads := make([]Expr, len(in))
	args := append(slices.Clone(in), g)
	params := func() Expr {
		return apply(spec.BatchNormParamsGrad{BatchNorm: p}, tensor.Shape{p.C}, nil, args...)
	}
	if need[2] {
		grads[2] = params()
	}
	if need[3] {
		grads[3] = params().output(1)
	}
	if !need[0] {
		return grads
	}
	_, _, fixed := madeOf[spec.RunningStats](in[1].n)
	if !fixed {
		dgamma := params()
		args = append(args, dgamma, dgamma.output(1))
	}
	grads[0] = apply(spec.BatchNormGrad{BatchNorm: p, Fixed: fixed}, in[0].Shape(), nil, args...)
	return grads
}

func (b BatchNorm) check(x, gamma, beta, mean, variance Expr) (p spec.BatchNorm, err error) {
	if err := firstError(x, gamma, beta, mean, variance); err != nil {
		return p, err
	}
	s := x.Shape()
	switch s.Dims() {
	case 2:
		p = spec.BatchNorm{N: s[0], C: s[1], Plane: 1}
	case 4:
		p = spec.BatchNorm{N: s[0], C: s[1], Plane: s[2] * s[3]}
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
