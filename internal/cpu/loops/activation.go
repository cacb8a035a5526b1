package loops

import "math"

// Activations, element by element. dst may be one of the sources. But for HardSwish and its
// gradient the assembly's last bits differ from the loops', which compute in float64.

// Gelu computes dst = x·Φ(x), where Φ is the normal distribution's function; in float32 the
// error is below 4·10⁻⁷ of |x|.
func Gelu[T Float](dst, x []T) {
	x = x[:len(dst)]
	if f := active.simd.gelu; f != nil && isSingle[T]() {
		f(single(dst), single(x), len(dst))
		return
	}
	for i, v := range x {
		dst[i] = T(float64(v) * normalShare(float64(v)))
	}
}

// GeluGrad computes dst = dy·(Φ(x) + x·φ(x)), where φ is the normal distribution's density.
func GeluGrad[T Float](dst, x, dy []T) {
	x, dy = x[:len(dst)], dy[:len(dst)]
	if f := active.simd.geluGrad; f != nil && isSingle[T]() {
		f(single(dst), single(x), single(dy), len(dst))
		return
	}
	for i, g := range dy {
		v := float64(x[i])
		dst[i] = T(float64(g) * (normalShare(v) + v*math.Exp(-v*v/2)/math.Sqrt(2*math.Pi)))
	}
}

// normalShare is Φ(x).
func normalShare(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }

// The sigmoid in GeluTanh is that of x·(geluSlope + geluCubic·x²): ½·(1 + tanh u) = σ(2u).
var (
	geluSlope = 2 * math.Sqrt(2/math.Pi)
	geluCubic = 0.044715 * geluSlope
)

// GeluTanh computes dst = ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))).
func GeluTanh[T Float](dst, x []T) {
	x = x[:len(dst)]
	if f := active.simd.geluTanh; f != nil && isSingle[T]() {
		f(single(dst), single(x), len(dst), float32(geluSlope), float32(geluCubic))
		return
	}
	for i, v := range x {
		u := float64(v)
		dst[i] = T(u * sigmoid(u*(geluSlope+geluCubic*u*u)))
	}
}

// GeluTanhGrad computes dst = dy times GeluTanh's derivative at x.
func GeluTanhGrad[T Float](dst, x, dy []T) {
	x, dy = x[:len(dst)], dy[:len(dst)]
	if f := active.simd.geluTanhGrad; f != nil && isSingle[T]() {
		f(single(dst), single(x), single(dy), len(dst), float32(geluSlope), float32(geluCubic))
		return
	}
	for i, g := range dy {
		u := float64(x[i])
		s := sigmoid(u * (geluSlope + geluCubic*u*u))
		dst[i] = T(float64(g) * (s + u*(geluSlope+3*geluCubic*u*u)*s*(1-s)))
	}
}

// Swish computes dst = x·σ(k·x), σ(x) = 1/(1 + e⁻ˣ).
func Swish[T Float](dst, x []T, k T) {
	x = x[:len(dst)]
	if f := active.simd.swish; f != nil && isSingle[T]() {
		f(single(dst), single(x), len(dst), float32(k))
		return
	}
	for i, v := range x {
		dst[i] = T(float64(v) * sigmoid(float64(k)*float64(v)))
	}
}

// SwishGrad computes dst = dy·(σ + k·x·σ·(1 − σ)) at σ = σ(k·x).
func SwishGrad[T Float](dst, x, dy []T, k T) {
	x, dy = x[:len(dst)], dy[:len(dst)]
	if f := active.simd.swishGrad; f != nil && isSingle[T]() {
		f(single(dst), single(x), single(dy), len(dst), float32(k))
		return
	}
	for i, g := range dy {
		u := float64(k) * float64(x[i])
		s := sigmoid(u)
		dst[i] = T(float64(g) * (s + u*s*(1-s)))
	}
}

// HardSwish computes dst = x·min(max(x/6 + ½, 0), 1).
func HardSwish[T Float](dst, x []T) {
	x = x[:len(dst)]
	if f := active.simd.hardSwish; f != nil && isSingle[T]() {
		f(single(dst), single(x), len(dst))
		return
	}
	for i, v := range x {
		dst[i] = min(max(T(v*T(1./6))+0.5, 0), 1) * v
	}
}

// HardSwishGrad computes dst = dy·(x/3 + ½), 0 where x < −3 and dy where x > 3.
func HardSwishGrad[T Float](dst, x, dy []T) {
	x, dy = x[:len(dst)], dy[:len(dst)]
	if f := active.simd.hardSwishGrad; f != nil && isSingle[T]() {
		f(single(dst), single(x), single(dy), len(dst))
		return
	}
	for i, g := range dy {
		v := x[i]
		switch {
		case v < -3:
			g = 0
		case !(v > 3):
			g *= T(v*T(1./3)) + 0.5
		}
		dst[i] = g
	}
}
