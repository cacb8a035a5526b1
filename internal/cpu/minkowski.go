package cpu

import (
	"math"

	"medusa/internal/cpu/loops"
)

// minkowski is the distance (Σ |a − b|ᵖ)^(1/p). Differences are divided by the largest, so that
// no power of them overflows.
func minkowski[T loops.Float](p float64, a, b []T) T {
	var most, sum float64
	for k, v := range a {
		most = largest(most, math.Abs(float64(v-b[k])))
	}
	if most == 0 || !finite(most) || math.IsInf(p, 1) {
		return T(most)
	}
	for k, v := range a {
		sum += powerOf(math.Abs(float64(v-b[k]))/most, p)
	}
	return T(most * rootOf(sum, p))
}

// largest is the larger of two numbers, NaN if one is.
func largest(x, y float64) float64 {
	if x > y || x != x {
		return x
	}
	return y
}

// powerOf is xᵖ for 0 ≤ x ≤ 1 and p > 0.
func powerOf(x, p float64) float64 {
	switch p {
	case 1:
		return x
	case 2:
		return x * x
	case 3:
		return x * x * x
	case 4:
		x *= x
		return x * x
	}
	return math.Pow(x, p)
}

// rootOf is x^(1/p).
func rootOf(x, p float64) float64 {
	switch p {
	case 1:
		return x
	case 2:
		return math.Sqrt(x)
	case 3:
		return math.Cbrt(x)
	}
	return math.Pow(x, 1/p)
}

// addMinkowskiGrad adds g·∂d/∂a, or ∂b if toB, to sum: (|a − b|/d)^(p−1) with the sign of a − b;
// for p = ∞ the sign at the first of the largest differences. Where d is 0, it is 0.
func addMinkowskiGrad[T loops.Float](p float64, sum []float64, a, b []T, d, g float64, toB bool) {
	switch {
	case d == 0:
		return
	case d != d:
		g = d // whatever the rows hold
	}
	if toB {
		g = -g
	}
	if math.IsInf(p, 1) {
		at, most := 0, 0.0
		for k, v := range a {
			if diff := math.Abs(float64(v - b[k])); diff > most {
				at, most = k, diff
			}
		}
		sum[at] += g * sign(float64(a[at]-b[at]))
		return
	}
	for k, v := range a {
		diff := float64(v - b[k])
		sum[k] += g * sign(diff) * steepness(math.Abs(diff)/d, p)
	}
}

// steepness is x^(p−1), the derivative of a p-norm 1 by a number x ≥ 0 of its row.
func steepness(x, p float64) float64 {
	if p == 1 {
		return 1
	}
	return powerOf(x, p-1)
}

// normP is the p-norm of a row.
func normP[T loops.Float](x []T, p float64) float64 {
	var most, sum float64
	for _, v := range x {
		most = largest(most, math.Abs(float64(v)))
	}
	if most == 0 || !finite(most) || math.IsInf(p, 1) {
		return most
	}
	for _, v := range x {
		sum += powerOf(math.Abs(float64(v))/most, p)
	}
	return most * rootOf(sum, p)
}

// normGrad is the derivative of the p-norm n of a row by its number at k; first is the place of
// the largest, which alone counts for p = ∞.
func normGrad(v, n, p float64, k, first int) float64 {
	if math.IsInf(p, 1) {
		if k != first {
			return 0
		}
		return sign(v)
	}
	return sign(v) * steepness(math.Abs(v)/n, p)
}

// firstLargest is the first place of a row's largest absolute value.
func firstLargest[T loops.Float](x []T) int {
	at := 0
	for k, v := range x {
		if math.Abs(float64(v)) > math.Abs(float64(x[at])) {
			at = k
		}
	}
	return at
}
