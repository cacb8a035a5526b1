package loops

import "math"

// More functions of slices, element by element, that losses are made of. dst may be one of
// the sources. But for Sigmoid, Softplus and its gradient the assembly gives the bits of
// the loops here.

// Div computes dst = x/y.
func Div[T Float](dst, x, y []T) {
	x, y = x[:len(dst)], y[:len(dst)]
	if f := active.simd.div; f != nil && isSingle[T]() {
		f(single(dst), single(x), single(y), len(dst))
		return
	}
	for i, v := range x {
		dst[i] = v / y[i]
	}
}

// MaxOf computes dst = max(x, y), NaN where one is NaN.
func MaxOf[T Float](dst, x, y []T) {
	x, y = x[:len(dst)], y[:len(dst)]
	if f := active.simd.maxOf; f != nil && isSingle[T]() {
		f(single(dst), single(x), single(y), len(dst))
		return
	}
	for i, v := range x {
		dst[i] = max(v, y[i])
	}
}

// MinOf computes dst = min(x, y), NaN where one is NaN.
func MinOf[T Float](dst, x, y []T) {
	x, y = x[:len(dst)], y[:len(dst)]
	if f := active.simd.minOf; f != nil && isSingle[T]() {
		f(single(dst), single(x), single(y), len(dst))
		return
	}
	for i, v := range x {
		dst[i] = min(v, y[i])
	}
}

// Greater computes dst = 1 where x > y, else 0.
func Greater[T Float](dst, x, y []T) {
	x, y = x[:len(dst)], y[:len(dst)]
	if f := active.simd.greater; f != nil && isSingle[T]() {
		f(single(dst), single(x), single(y), len(dst))
		return
	}
	for i, v := range x {
		dst[i] = indicator[T](v > y[i])
	}
}

// GreaterEqual computes dst = 1 where x ≥ y, else 0.
func GreaterEqual[T Float](dst, x, y []T) {
	x, y = x[:len(dst)], y[:len(dst)]
	if f := active.simd.greaterEqual; f != nil && isSingle[T]() {
		f(single(dst), single(x), single(y), len(dst))
		return
	}
	for i, v := range x {
		dst[i] = indicator[T](v >= y[i])
	}
}

// Same computes dst = 1 where x = y, else 0.
func Same[T Float](dst, x, y []T) {
	x, y = x[:len(dst)], y[:len(dst)]
	if f := active.simd.same; f != nil && isSingle[T]() {
		f(single(dst), single(x), single(y), len(dst))
		return
	}
	for i, v := range x {
		dst[i] = indicator[T](v == y[i])
	}
}

// Above computes dst = 1 where x > k, else 0.
func Above[T Float](dst, x []T, k T) {
	x = x[:len(dst)]
	if f := active.simd.above; f != nil && isSingle[T]() {
		f(single(dst), single(x), len(dst), float32(k))
		return
	}
	for i, v := range x {
		dst[i] = indicator[T](v > k)
	}
}

// Equals computes dst = 1 where x = k, else 0.
func Equals[T Float](dst, x []T, k T) {
	x = x[:len(dst)]
	if f := active.simd.equals; f != nil && isSingle[T]() {
		f(single(dst), single(x), len(dst), float32(k))
		return
	}
	for i, v := range x {
		dst[i] = indicator[T](v == k)
	}
}

// Clamp computes dst = min(max(x, lo), hi); a NaN stays.
func Clamp[T Float](dst, x []T, lo, hi T) {
	x = x[:len(dst)]
	if f := active.simd.clamp; f != nil && isSingle[T]() {
		f(single(dst), single(x), len(dst), float32(lo), float32(hi))
		return
	}
	for i, v := range x {
		dst[i] = min(max(v, lo), hi)
	}
}

// ClampGrad computes dst = dy, and 0 where x < lo or x > hi.
func ClampGrad[T Float](dst, x, dy []T, lo, hi T) {
	x, dy = x[:len(dst)], dy[:len(dst)]
	if f := active.simd.clampGrad; f != nil && isSingle[T]() {
		f(single(dst), single(x), single(dy), len(dst), float32(lo), float32(hi))
		return
	}
	for i, g := range dy {
		if x[i] < lo || x[i] > hi {
			g = 0
		}
		dst[i] = g
	}
}

// Sqrt computes dst = √max(x, 0); a NaN stays.
func Sqrt[T Float](dst, x []T) {
	x = x[:len(dst)]
	if f := active.simd.sqrt; f != nil && isSingle[T]() {
		f(single(dst), single(x), len(dst))
		return
	}
	for i, v := range x {
		dst[i] = T(math.Sqrt(float64(max(v, 0))))
	}
}

// SqrtGrad computes dst = dy·(½/y), and 0 where y = 0.
func SqrtGrad[T Float](dst, y, dy []T) {
	y, dy = y[:len(dst)], dy[:len(dst)]
	if f := active.simd.sqrtGrad; f != nil && isSingle[T]() {
		f(single(dst), single(y), single(dy), len(dst))
		return
	}
	for i, g := range dy {
		if y[i] == 0 {
			dst[i] = 0
			continue
		}
		dst[i] = T(0.5/y[i]) * g
	}
}

// SquareGrad computes dst = 2·x·dy.
func SquareGrad[T Float](dst, x, dy []T) {
	x, dy = x[:len(dst)], dy[:len(dst)]
	if f := active.simd.squareGrad; f != nil && isSingle[T]() {
		f(single(dst), single(x), single(dy), len(dst))
		return
	}
	for i, g := range dy {
		dst[i] = (x[i] + x[i]) * g
	}
}

// Sigmoid computes dst = 1/(1 + e⁻ˣ), in float32 within 3 units in the last place.
func Sigmoid[T Float](dst, x []T) {
	x = x[:len(dst)]
	if f := active.simd.sigmoid; f != nil && isSingle[T]() {
		f(single(dst), single(x), len(dst))
		return
	}
	for i, v := range x {
		dst[i] = T(sigmoid(float64(v)))
	}
}

// SigmoidGrad computes dst = dy·y·(1 − y).
func SigmoidGrad[T Float](dst, y, dy []T) {
	y, dy = y[:len(dst)], dy[:len(dst)]
	if f := active.simd.sigmoidGrad; f != nil && isSingle[T]() {
		f(single(dst), single(y), single(dy), len(dst))
		return
	}
	for i, g := range dy {
		dst[i] = T(y[i]*T(1-y[i])) * g
	}
}

// Softplus computes dst = ln(1 + eˣ) without overflow, in float32 within 4 units in the
// last place.
func Softplus[T Float](dst, x []T) {
	x = x[:len(dst)]
	if f := active.simd.softplus; f != nil && isSingle[T]() {
		f(single(dst), single(x), len(dst))
		return
	}
	for i, v := range x {
		dst[i] = T(softplus(float64(v)))
	}
}

// SoftplusGrad computes dst = dy/(1 + e⁻ˣ).
func SoftplusGrad[T Float](dst, x, dy []T) {
	x, dy = x[:len(dst)], dy[:len(dst)]
	if f := active.simd.softplusGrad; f != nil && isSingle[T]() {
		f(single(dst), single(x), single(dy), len(dst))
		return
	}
	for i, g := range dy {
		dst[i] = T(sigmoid(float64(x[i])) * float64(g))
	}
}

func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

func sigmoid(x float64) float64 {
	if x >= 0 {
		return 1 / (1 + math.Exp(-x))
	}
	e := math.Exp(x)
	return e / (1 + e)
}

func indicator[T Float](b bool) T {
	if b {
		return 1
	}
	return 0
}
