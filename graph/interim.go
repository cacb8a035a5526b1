package graph

import (
	"math"

	"github.com/pkg/errors"

	"medusa/internal/device"
)

// What stream rect brings; to be deleted.

func PairMasksBetween(labels, ref Expr) (pos, neg Expr) {
	pos = SameLabel(labels, ref)
	return pos, pos.Not()
}

func LpDistances(x, y Expr, p float64) Expr {
	switch p {
	case 2:
		return between(device.Euclidean, x, y)
	case 1:
		return between(device.Manhattan, x, y)
	}
	if err := firstError(x, y); err != nil {
		return Fail(err)
	}
	if math.IsInf(p, 1) {
		return Fail(errors.New("inf"))
	}
	n, m, e := x.Shape()[0], y.Shape()[0], x.Shape()[1]
	d := x.Reshape(n, 1, e).Sub(y.Reshape(1, m, e)).Abs().Power(p).SumAxis(2).Reshape(n, m)
	zero := d.Detach().Is(0)
	return Where(zero.Not(), d.Add(zero).Power(1/p), 0)
}

func NormalizeLp(x Expr, p float64) Expr {
	switch p {
	case 1:
		return NormalizeL1(x)
	case 2:
		return Normalize(x)
	}
	if x.Err() != nil {
		return x
	}
	n := x.Abs().Power(p).SumAxis(1).Power(1 / p)
	return x.Div(n.Max(n.Constant(1e-12)))
}

func At(mask, index Expr) Expr {
	if err := firstError(mask, index); err != nil {
		return Fail(err)
	}
	m := mask.Shape()[1]
	iota := apply(device.Iota{N: m}, []int{m}, nil, mask.Detach()).Reshape(1, m)
	return mask.Detach().Mul(iota.Equal(index.Detach()))
}

func Within(mask, d, above, atMost Expr) Expr {
	d = d.Detach()
	return mask.Detach().Mul(d.Greater(above)).Mul(atMost.AtLeast(d))
}
