package cpu

import (
	"math"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	register(normalize[float32], normalize[float64])
	register(normalizeGrad[float32], normalizeGrad[float64])
}

func normalize[T loops.Float](s spec.Normalize) func(out []T, in [][]T) {
	var x, y []T
	body := func(lo, hi int) {
		for r := lo; r < hi; r++ {
			row, res := x[r*s.Cols:(r+1)*s.Cols], y[r*s.Cols:(r+1)*s.Cols]
			n := max(norm(row, s.P), s.Eps)
			divide(res, row, n)
		}
	}
	return func(out []T, in [][]T) {
		x, y = in[0], out
		loops.Parallel(s.Rows, rowGrain(s.Cols), body)
	}
}

// divide computes dst = x/n.
func divide[T loops.Float](dst, x []T, n float64) {
	if k := T(1 / n); normal(k) {
		loops.Affine(dst, x, k, 0)
		return
	}
	for i, v := range x {
		dst[i] = T(float64(v) / n)
	}
}

// normal tells whether k is finite, not 0 and of full precision.
func normal[T loops.Float](k T) bool { return k >= 0x1p-126 && k <= math.MaxFloat32 }

func norm[T loops.Float](x []T, p float64) float64 {
	switch p {
	case 1:
	case 2:
		return math.Sqrt(loops.Dot(x, x))
	default:
		return normP(x, p)
	}
	var sum float64
	for _, v := range x {
		sum += math.Abs(float64(v))
	}
	return sum
}

func normalizeGrad[T loops.Float](s spec.NormalizeGrad) func(out []T, in [][]T) {
	var x, y, dy, dx []T
	body := func(lo, hi int) {
		for r := lo; r < hi; r++ {
			i, j := r*s.Cols, (r+1)*s.Cols
			normalizeRowGrad(s, dx[i:j], x[i:j], y[i:j], dy[i:j])
		}
	}
	return func(out []T, in [][]T) {
		x, y, dy, dx = in[0], in[1], in[2], out
		loops.Parallel(s.Rows, rowGrain(s.Cols), body)
	}
}

func normalizeRowGrad[T loops.Float](s spec.NormalizeGrad, dx, x, y, dy []T) {
	n := norm(x, s.P)
	var dot float64
	if n >= s.Eps {
		dot = loops.Dot(y, dy)
	}
	n = max(n, s.Eps)
	if k := T(1 / n); s.P == 2 && normal(k) {
		loops.Affine(dx, y, T(-dot/n), 0)
		loops.Axpy(dx, k, dy)
		return
	}
	first := 0
	if math.IsInf(s.P, 1) {
		first = firstLargest(x)
	}
	for k, v := range dy {
		u := float64(y[k])
		switch s.P {
		case 1:
			u = sign(float64(x[k]))
		case 2:
		default:
			u = normGrad(float64(x[k]), n, s.P, k, first)
		}
		dx[k] = T((float64(v) - u*dot) / n)
	}
}
