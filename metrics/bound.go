package metrics

import (
	"math"

	"medusa/internal/cpu/loops"
)

// The matrix product gives a·b of float32 rows in float32, in whatever order the
// kernel sums. For every order, fused or not,
//
//	|fl(a·b) − a·b| ≤ γ·Σ|aᵢbᵢ| + D·2⁻¹⁴⁹ ≤ γ·‖a‖‖b‖ + D·2⁻¹⁴⁹,  γ = r·u/(1 − r·u),  u = 2⁻²⁴
//
// (N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., sections
// 3.1 and 2.1 for underflow), as long as nothing overflows, where no term is rounded more than r
// times on its way into the sum. In one sum r is D; products sums in pieces, and r is that of a
// piece and one for each piece, which leaves far fewer pairs in doubt where rows are long. What
// follows adds what is done to the product afterwards, and rounds up.
const (
	piece = 128 // so many elements of each row are summed at once

	unit     = 0x1p-24
	tiny     = 0x1p-149
	overflow = 0x1p+120 // a product of norms above this may overflow on the way
	slack    = 1.001    // for the float64 arithmetic of the bounds themselves
)

// products writes alpha·A·Bᵀ of m rows a and n rows b with dim elements each, (m, n). alpha is a power
// of two or its negative, and so rounds nothing.
func products(dst []float32, alpha float32, a []float32, m int, b []float32, n, dim int) {
	for at := 0; at == 0 || at < dim; at += piece {
		beta := float32(1)
		if at == 0 {
			beta = 0
		}
		loops.Gemm(false, true, m, n, min(piece, dim-at), alpha, a[at:], dim, b[at:], dim, beta, dst, n)
	}
}

// roundings is how often products rounds a term at most.
func roundings(dim int) int {
	if dim <= piece {
		return dim
	}
	return piece + (dim+piece-1)/piece
}

// gamma is γ for rows of dim elements; infinite where the theorem says nothing.
func gamma(dim int) float64 {
	ru := float64(roundings(dim)) * unit
	if ru >= 0.5 {
		return math.Inf(1)
	}
	return ru / (1 - ru)
}

// keyError bounds |t − (key − shift)| for a query of norm a against gallery rows of
// norm at most b, where t is the float32 number that the scan compares.
//
// Euclidean: t = fl(fl(‖b‖²) − 2·fl(a·b)), shift = ‖a‖². To twice the product's error
// come the rounding of ‖b‖², u·b², and of the difference, u·(b² + 2(1+γ)ab), and for the
// float64 sums (4D + 16)·2⁻⁵³·(a + b)².
//
// Cosine: t = −fl(a'·b') with a', b' the rows divided by their norms and rounded, each
// off by at most (u + D·2⁻⁵⁰) relative to the norm.
//
// Dot: t = −fl(a·b).
func (d Distance) keyError(dim int, a, b float64) float64 {
	g := gamma(dim)
	fdim := float64(dim)
	switch d {
	case Euclidean:
		ab, sum := a*b, (a+b)*(a+b)
		if !(sum < overflow) {
			return math.Inf(1)
		}
		return slack * (2*g*ab + unit*(2*b*b+2*(1+g)*ab) + (4*fdim+16)*0x1p-53*sum + 2*(fdim+2)*tiny)
	case Cosine:
		return slack * (g*(1+4*unit) + 3*unit + fdim*0x1p-48 + 2*(fdim+2)*tiny)
	default:
		if !(a*b < overflow) {
			return math.Inf(1)
		}
		return slack * ((g+fdim*0x1p-52)*a*b + (fdim+2)*tiny)
	}
}

// down is a float32 at most v, up one at least v.
func down(v float64) float32 {
	f := float32(v)
	if float64(f) > v {
		f = math.Nextafter32(f, float32(math.Inf(-1)))
	}
	return f
}

func up(v float64) float32 {
	f := float32(v)
	if float64(f) < v {
		f = math.Nextafter32(f, float32(math.Inf(1)))
	}
	return f
}
