package device

import (
	"math"

	"medusa/internal/device/cpu"
)

// Normalize divides each row of x (Rows, Cols) by max(‖row‖, Eps), where the norm is that
// of P: the Euclidean one for 2, the sum of absolute values for 1, their largest for ∞.
type Normalize struct {
	Rows, Cols int
	P          float64
	Eps        float64
}

func (s Normalize) cpu() Kernel { return host(normalize[float32](s), normalize[float64](s)) }

func normalize[T cpu.Float](s Normalize) func(out []T, in [][]T) {
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
		cpu.Parallel(s.Rows, rowGrain(s.Cols), body)
	}
}

// divide computes dst = x/n.
func divide[T cpu.Float](dst, x []T, n float64) {
	if k := T(1 / n); normal(k) {
		cpu.Affine(dst, x, k, 0)
		return
	}
	for i, v := range x {
		dst[i] = T(float64(v) / n)
	}
}

// normal tells whether k is finite, not 0 and of full precision.
func normal[T cpu.Float](k T) bool { return k >= 0x1p-126 && k <= math.MaxFloat32 }

func norm[T cpu.Float](x []T, p float64) float64 {
	switch p {
	case 1:
	case 2:
		return math.Sqrt(cpu.Dot(x, x))
	default:
		return normP(x, p)
	}
	var sum float64
	for _, v := range x {
		sum += math.Abs(float64(v))
	}
	return sum
}

// NormalizeGrad computes dx from x, y = Normalize(x) and dy: (dy − u·⟨y, dy⟩)/‖x‖, where u
// is the norm's gradient (y for P = 2), or dy/Eps where ‖x‖ < Eps.
type NormalizeGrad Normalize

func (s NormalizeGrad) cpu() Kernel {
	return host(normalizeGrad[float32](s), normalizeGrad[float64](s))
}

func normalizeGrad[T cpu.Float](s NormalizeGrad) func(out []T, in [][]T) {
	var x, y, dy, dx []T
	body := func(lo, hi int) {
		for r := lo; r < hi; r++ {
			i, j := r*s.Cols, (r+1)*s.Cols
			normalizeRowGrad(s, dx[i:j], x[i:j], y[i:j], dy[i:j])
		}
	}
	return func(out []T, in [][]T) {
		x, y, dy, dx = in[0], in[1], in[2], out
		cpu.Parallel(s.Rows, rowGrain(s.Cols), body)
	}
}

func normalizeRowGrad[T cpu.Float](s NormalizeGrad, dx, x, y, dy []T) {
	n := norm(x, s.P)
	var dot float64
	if n >= s.Eps {
		dot = cpu.Dot(y, dy)
	}
	n = max(n, s.Eps)
	if k := T(1 / n); s.P == 2 && normal(k) {
		cpu.Affine(dx, y, T(-dot/n), 0)
		cpu.Axpy(dx, k, dy)
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
