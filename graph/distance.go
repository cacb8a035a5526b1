package graph

import (
	"github.com/pkg/errors"

	"medusa/internal/device"
)

// Normalize divides each row of x (N, E) by its Euclidean length, or by 1e-12 if that
// is larger (as torch.nn.functional.normalize does).
func Normalize(x Expr) Expr { return normalize(x, 2) }

// NormalizeL1 divides each row of x (N, E) by the sum of its absolute values, or by 1e-12
// if that is larger.
func NormalizeL1(x Expr) Expr { return normalize(x, 1) }

func normalize(x Expr, p int) Expr {
	if x.Err() != nil {
		return x
	}
	s := x.Shape()
	if s.Dims() != 2 {
		return Fail(errors.Errorf("graph: normalise rows of shape %v, want a matrix (N, E)", s))
	}
	spec := device.Normalize{Rows: s[0], Cols: s[1], P: p, Eps: 1e-12}
	return apply(spec, s, func(in []Expr, out, g Expr, _ []bool) []Expr {
		return []Expr{apply(device.NormalizeGrad(spec), s, nil, in[0], out, g)}
	}, x)
}

// Distances is the matrix (B, B) of Euclidean distances between the rows of x (B, E).
// The distance of equal rows is 0, and so is its gradient.
func Distances(x Expr) Expr { return between(device.Euclidean, x, x) }

// SquaredDistances is the matrix (B, B) of squared Euclidean distances of x's rows.
func SquaredDistances(x Expr) Expr { return between(device.SquaredEuclidean, x, x) }

// DistancesBetween is the matrix (N, M) of Euclidean distances between the rows of
// x (N, E) and of y (M, E).
func DistancesBetween(x, y Expr) Expr { return between(device.Euclidean, x, y) }

// SquaredDistancesBetween is the matrix (N, M) of squared Euclidean distances between the rows
// of x (N, E) and of y (M, E).
func SquaredDistancesBetween(x, y Expr) Expr { return between(device.SquaredEuclidean, x, y) }

// SNRDistances is the matrix (N, M) of var(x − y)/var(x) between the rows of x (N, E) and of
// y (M, E), of which var(x) counts as at least 10⁻¹².
func SNRDistances(x, y Expr) Expr { return between(device.SNR, x, y) }

// DotProducts is the matrix (N, M) of the products ⟨x, y⟩ of the rows of x (N, E) with those
// of y (M, E).
func DotProducts(x, y Expr) Expr {
	if x.Err() == nil && x.n == y.n && x.data == y.data {
		return between(device.Dot, x, x)
	}
	return x.MatMulT(y)
}

// between is the matrix of distances; x and y may be one expression.
func between(m device.Metric, x, y Expr) Expr {
	if err := firstError(x, y); err != nil {
		return Fail(err)
	}
	sx, sy := x.Shape(), y.Shape()
	if sx.Dims() != 2 || sy.Dims() != 2 || sx[1] != sy[1] {
		return Fail(errors.Errorf("graph: distances between shapes %v and %v, want (N, E) and (M, E)", sx, sy))
	}
	if m == device.SNR && sx[1] < 2 {
		return Fail(errors.Errorf("graph: the variance of one number, in shape %v, want at least 2 columns for the metric snr", sx))
	}
	spec := device.Distance{Metric: m, N: sx[0], M: sy[0], D: sx[1]}
	if x.n == y.n && x.data == y.data {
		spec.Self = true
		return apply(spec, []int{sx[0], sx[0]}, func(in []Expr, out, g Expr, _ []bool) []Expr {
			return []Expr{pairGrad(spec, in[0], out, g)}
		}, x)
	}
	return apply(spec, []int{sx[0], sy[0]}, func(in []Expr, out, g Expr, need []bool) []Expr {
		grads := make([]Expr, 2)
		for i := range grads {
			if need[i] {
				spec := device.DistanceGrad{Distance: spec, ToY: i == 1}
				grads[i] = apply(spec, in[i].Shape(), nil, in[0], in[1], out, g)
			}
		}
		return grads
	}, x, y)
}
