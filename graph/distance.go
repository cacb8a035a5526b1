package graph

import (
	"github.com/pkg/errors"

	"medusa/internal/spec"
)

// Normalize divides each row of x (N, E) by its Euclidean length, or by 1e-12 if that
// is larger (as torch.nn.functional.normalize does).
func Normalize(x Expr) Expr { return NormalizeLp(x, 2) }

// NormalizeL1 divides each row of x (N, E) by the sum of its absolute values, or by 1e-12
// if that is larger.
func NormalizeL1(x Expr) Expr { return NormalizeLp(x, 1) }

// NormalizeLp divides each row of x (N, E) by its p-norm (Σ|x|ᵖ)^(1/p), the largest |x| for p = ∞,
// or by 1e-12 if that is larger; p is at least 1. Where the norm has no derivative one of its
// subgradients stands for it: 0 to an x of 0, and for p = ∞ the sign at the first of the largest.
func NormalizeLp(x Expr, p float64) Expr {
	if x.Err() != nil {
		return x
	}
	s := x.Shape()
	if s.Dims() != 2 {
		return Fail(errors.Errorf("graph: normalise rows of shape %v, want a matrix (N, E)", s))
	}
	if err := checkNorm(p); err != nil {
		return Fail(err)
	}
	what := spec.Normalize{Rows: s[0], Cols: s[1], P: p, Eps: 1e-12}
	return apply(what, s, func(in []Expr, out, g Expr, _ []bool) []Expr {
		return []Expr{apply(spec.NormalizeGrad(what), s, nil, in[0], out, g)}
	}, x)
}

// checkNorm returns an error where there is no p-norm.
func checkNorm(p float64) error {
	if !(p >= 1) {
		return errors.Errorf("graph: a norm of p = %g, want at least 1; +Inf is the largest absolute value", p)
	}
	return nil
}

// Distances is the matrix (B, B) of Euclidean distances between the rows of x (B, E).
// The distance of equal rows is 0, and so is its gradient.
func Distances(x Expr) Expr { return between(spec.Euclidean, x, x) }

// SquaredDistances is the matrix (B, B) of squared Euclidean distances of x's rows.
func SquaredDistances(x Expr) Expr { return between(spec.SquaredEuclidean, x, x) }

// DistancesBetween is the matrix (N, M) of Euclidean distances between the rows of
// x (N, E) and of y (M, E).
func DistancesBetween(x, y Expr) Expr { return between(spec.Euclidean, x, y) }

// SquaredDistancesBetween is the matrix (N, M) of squared Euclidean distances between the rows
// of x (N, E) and of y (M, E). x and y may be one expression, here and below.
func SquaredDistancesBetween(x, y Expr) Expr { return between(spec.SquaredEuclidean, x, y) }

// SNRDistances is the matrix (N, M) of var(x − y)/var(x) between the rows of x (N, E) and of
// y (M, E), where var(x) counts as at least 10⁻¹².
func SNRDistances(x, y Expr) Expr { return between(spec.SNR, x, y) }

// DotProducts is the matrix (N, M) of the products ⟨x, y⟩ of the rows of x (N, E) with those
// of y (M, E).
func DotProducts(x, y Expr) Expr { return between(spec.Dot, x, y) }

// LpDistances is the matrix (N, M) of the p-norms of the differences between the rows of x (N, E)
// and of y (M, E): (Σ|x − y|ᵖ)^(1/p), the largest |x − y| for p = ∞; p is at least 1. x and y may
// be one expression. The distance of equal rows is 0, and so is its gradient. Where there is no
// derivative, one of the subgradients stands for it: 0 to numbers that are equal, and for p = ∞
// the sign of the first of the largest differences.
func LpDistances(x, y Expr, p float64) Expr {
	if err := firstError(x, y, Expr{n: x.n, err: checkNorm(p)}); err != nil {
		return Fail(err)
	}
	switch p {
	case 1:
		return between(spec.Manhattan, x, y)
	case 2:
		return between(spec.Euclidean, x, y)
	}
	return compare(spec.Distance{Metric: spec.Minkowski, P: p}, x, y)
}

// between is the matrix of distances; x and y may be one expression.
func between(m spec.Metric, x, y Expr) Expr { return compare(spec.Distance{Metric: m}, x, y) }

// compare is between of a metric with what else it takes.
func compare(what spec.Distance, x, y Expr) Expr {
	if err := firstError(x, y); err != nil {
		return Fail(err)
	}
	sx, sy := x.Shape(), y.Shape()
	if sx.Dims() != 2 || sy.Dims() != 2 || sx[1] != sy[1] {
		return Fail(errors.Errorf("graph: distances between shapes %v and %v, want (N, E) and (M, E)", sx, sy))
	}
	if what.Metric == spec.SNR && sx[1] < 2 {
		return Fail(errors.Errorf("graph: the variance of one number, in shape %v, want at least 2 columns for the metric snr", sx))
	}
	what.N, what.M, what.D = sx[0], sy[0], sx[1]
	if x.n == y.n && x.data == y.data {
		what.Self = true
		return apply(what, []int{sx[0], sx[0]}, func(in []Expr, out, g Expr, _ []bool) []Expr {
			return []Expr{pairGrad(what, false, in, out, g)}
		}, x)
	}
	return apply(what, []int{sx[0], sy[0]}, func(in []Expr, out, g Expr, need []bool) []Expr {
		grads := make([]Expr, 2)
		for i := range grads {
			if need[i] {
				grads[i] = pairGrad(what, i == 1, in, out, g)
			}
		}
		return grads
	}, x, y)
}
