// Package nearest holds what searches for nearest rows have in common: exact distances in float64,
// products in float32 with a proven bound on their error, which sort out the pairs that need no exact
// distance, and the nearest rows seen so far.
package nearest

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
// times on its way into the sum. In one sum r is D; Products sums in pieces, and r is that of a
// piece and one for each piece, which leaves far fewer pairs in doubt where rows are long. What
// follows adds what is done to the product afterwards, and rounds up.
const (
	Piece = 128 // Products sums so many elements of each row at once

	Unit     = 0x1p-24  // the relative error of a rounding to float32
	Tiny     = 0x1p-149 // the least float32 above 0
	overflow = 0x1p+120 // a product of norms above this may overflow on the way
	Slack    = 1.001    // for the float64 arithmetic of the bounds themselves
)

// Products writes alpha·A·Bᵀ of m rows a and n rows b with dim elements each, (m, n). alpha is a power
// of two or its negative, and so rounds nothing.
func Products(dst []float32, alpha float32, a []float32, m int, b []float32, n, dim int) {
	for at := 0; at == 0 || at < dim; at += Piece {
		beta := float32(1)
		if at == 0 {
			beta = 0
		}
		loops.Gemm(false, true, m, n, min(Piece, dim-at), alpha, a[at:], dim, b[at:], dim, beta, dst, n)
	}
}

// roundings is how often Products rounds a term at most.
func roundings(dim int) int {
	if dim <= Piece {
		return dim
	}
	return Piece + (dim+Piece-1)/Piece
}

// gamma is γ for rows of dim elements; infinite where the theorem says nothing.
func gamma(dim int) float64 {
	ru := float64(roundings(dim)) * Unit
	if ru >= 0.5 {
		return math.Inf(1)
	}
	return ru / (1 - ru)
}

// Error bounds |t − (key − shift)| for a query of norm a against gallery rows of
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
func (d Distance) Error(dim int, a, b float64) float64 {
	g := gamma(dim)
	fdim := float64(dim)
	switch d {
	case Euclidean:
		ab, sum := a*b, (a+b)*(a+b)
		if !(sum < overflow) {
			return math.Inf(1)
		}
		return Slack * (2*g*ab + Unit*(2*b*b+2*(1+g)*ab) + (4*fdim+16)*0x1p-53*sum + 2*(fdim+2)*Tiny)
	case Cosine:
		return Slack * (g*(1+4*Unit) + 3*Unit + fdim*0x1p-48 + 2*(fdim+2)*Tiny)
	default:
		if !(a*b < overflow) {
			return math.Inf(1)
		}
		return Slack * ((g+fdim*0x1p-52)*a*b + (fdim+2)*Tiny)
	}
}

// Down is a float32 at most v.
func Down(v float64) float32 {
	f := float32(v)
	if float64(f) > v {
		f = math.Nextafter32(f, float32(math.Inf(-1)))
	}
	return f
}

// Up is a float32 at least v.
func Up(v float64) float32 {
	f := float32(v)
	if float64(f) < v {
		f = math.Nextafter32(f, float32(math.Inf(1)))
	}
	return f
}
