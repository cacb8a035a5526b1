package loops

import (
	"math"
	"unsafe"
)

// Functions of slices, element by element. dst may be one of the sources. The assembly
// does the same operations in the same order as the loops here, to the last bit, but for
// Exp and Log. A slice is worked on by one goroutine: cut it by Parallel.

// Add computes dst = x + y.
func Add[T Float](dst, x, y []T) {
	x, y = x[:len(dst)], y[:len(dst)]
	if f := active.simd.add; f != nil && isSingle[T]() {
		f(single(dst), single(x), single(y), len(dst))
		return
	}
	for i, v := range x {
		dst[i] = v + y[i]
	}
}

// Sub computes dst = x − y.
func Sub[T Float](dst, x, y []T) {
	x, y = x[:len(dst)], y[:len(dst)]
	if f := active.simd.sub; f != nil && isSingle[T]() {
		f(single(dst), single(x), single(y), len(dst))
		return
	}
	for i, v := range x {
		dst[i] = v - y[i]
	}
}

// Mul computes dst = x·y.
func Mul[T Float](dst, x, y []T) {
	x, y = x[:len(dst)], y[:len(dst)]
	if f := active.simd.mul; f != nil && isSingle[T]() {
		f(single(dst), single(x), single(y), len(dst))
		return
	}
	for i, v := range x {
		dst[i] = v * y[i]
	}
}

// Axpy computes dst = dst + k·x.
func Axpy[T Float](dst []T, k T, x []T) {
	x = x[:len(dst)]
	if f := active.simd.axpy; f != nil && isSingle[T]() {
		f(single(dst), single(x), len(dst), float32(k))
		return
	}
	for i, v := range x {
		dst[i] += T(k * v)
	}
}

// Affine computes dst = k·x + c.
func Affine[T Float](dst, x []T, k, c T) {
	x = x[:len(dst)]
	if f := active.simd.affine; f != nil && isSingle[T]() {
		f(single(dst), single(x), len(dst), float32(k), float32(c))
		return
	}
	for i, v := range x {
		dst[i] = T(k*v) + c
	}
}

// MulAffine computes dst = x·(k·y + c).
func MulAffine[T Float](dst, x, y []T, k, c T) {
	x, y = x[:len(dst)], y[:len(dst)]
	if f := active.simd.mulAffine; f != nil && isSingle[T]() {
		f(single(dst), single(x), single(y), len(dst), float32(k), float32(c))
		return
	}
	for i, v := range x {
		dst[i] = v * (T(k*y[i]) + c)
	}
}

// AddMulAffine computes dst = dst + x·(k·y + c).
func AddMulAffine[T Float](dst, x, y []T, k, c T) {
	x, y = x[:len(dst)], y[:len(dst)]
	if f := active.simd.addMulAffine; f != nil && isSingle[T]() {
		f(single(dst), single(x), single(y), len(dst), float32(k), float32(c))
		return
	}
	for i, v := range x {
		dst[i] += T(v * (T(k*y[i]) + c))
	}
}

// Exp computes dst = eˣ, in float32 within 2 units in the last place, with overflow to
// +∞, denormal results and NaN as they should be.
func Exp[T Float](dst, x []T) {
	x = x[:len(dst)]
	if f := active.simd.exp; f != nil && isSingle[T]() {
		f(single(dst), single(x), len(dst))
		return
	}
	for i, v := range x {
		dst[i] = T(math.Exp(float64(v)))
	}
}

// Log computes dst = ln x, in float32 within 2 units in the last place; −∞ at 0, NaN
// below.
func Log[T Float](dst, x []T) {
	x = x[:len(dst)]
	if f := active.simd.log; f != nil && isSingle[T]() {
		f(single(dst), single(x), len(dst))
		return
	}
	for i, v := range x {
		dst[i] = T(math.Log(float64(v)))
	}
}

func isSingle[T Float]() bool { return unsafe.Sizeof(T(0)) == 4 }

// single is the first element of a slice that isSingle says to be of float32.
func single[T Float](x []T) *float32 { return (*float32)(unsafe.Pointer(unsafe.SliceData(x))) }

// singles is a slice that isSingle says to be of float32.
func singles[T Float](x []T) []float32 { return unsafe.Slice(single(x), len(x)) }

func singleReady[T Float](r *Ready[T]) *Ready[float32] { return (*Ready[float32])(unsafe.Pointer(r)) }
