package cpu

import (
	"math"

	"medusa/internal/cpu/loops"
	"medusa/internal/device"
	"medusa/internal/spec"
)

func init() {
	registerKernel(distanceKernel)
}

func distanceKernel(s spec.Distance) device.Kernel { return host(distancesOf(s)) }

// distancesOf makes distances in float32 and in float64.
func distancesOf(s spec.Distance) (single func(out []float32, in [][]float32), double func(out []float64, in [][]float64)) {
	switch {
	case s.Metric == spec.Dot && s.Self:
		return selfProducts[float32](s), selfProducts[float64](s)
	case s.Metric == spec.Dot:
		return crossProducts[float32](s), crossProducts[float64](s)
	case byProduct(s):
		single = productDistances(s)
	case snrByProduct(s):
		single = snrDistances(s)
	default:
		single = distances[float32](s)
	}
	return single, distances[float64](s)
}

// spoil makes the distances of rows NaN that are not finite.
func spoil[T loops.Float](s spec.Distance, out, x, y []T) {
	nan := T(math.NaN())
	for i := range s.N {
		if !loops.Finite(x[i*s.D : (i+1)*s.D]) {
			for j := range s.M {
				out[i*s.M+j] = nan
			}
		}
	}
	for j := range s.M {
		if !loops.Finite(y[j*s.D : (j+1)*s.D]) {
			for i := range s.N {
				out[i*s.M+j] = nan
			}
		}
	}
}

func distances[T loops.Float](s spec.Distance) func(out []T, in [][]T) {
	var x, y, out []T
	body := func(lo, hi int) {
		for i := lo; i < hi; i++ {
			a := x[i*s.D : (i+1)*s.D]
			j := 0
			if s.Metric == spec.Euclidean || s.Metric == spec.SquaredEuclidean {
				for ; j+4 <= s.M; j += 4 {
					fourDistances(s.Metric == spec.Euclidean, out[i*s.M+j:][:4], a, y[j*s.D:(j+4)*s.D])
				}
			}
			for ; j < s.M; j++ {
				b := y[j*s.D : (j+1)*s.D]
				if s.Metric == spec.Minkowski {
					out[i*s.M+j] = minkowski(s.P, a, b)
					continue
				}
				out[i*s.M+j] = rowDistance(s.Metric, a, b)
			}
		}
	}
	return func(o []T, in [][]T) {
		out, x, y = o, in[0], in[len(in)-1]
		loops.Parallel(s.N, rowGrain(s.M*s.D), body)
		if !loops.Finite(x) || !s.Self && !loops.Finite(y) {
			spoil(s, out, x, y)
		}
	}
}

// fourDistances is rowDistance, of a to each of four rows at once: one sum would wait
// for its last addition at every step. The numbers are the same to the last bit.
func fourDistances[T loops.Float](root bool, out, a, rows []T) {
	n := len(a)
	b0, b1, b2, b3 := rows[:n], rows[n:2*n], rows[2*n:3*n], rows[3*n:4*n]
	var s0, s1, s2, s3 float64
	for k, v := range a {
		d0, d1, d2, d3 := float64(v-b0[k]), float64(v-b1[k]), float64(v-b2[k]), float64(v-b3[k])
		s0 += d0 * d0
		s1 += d1 * d1
		s2 += d2 * d2
		s3 += d3 * d3
	}
	if root {
		s0, s1, s2, s3 = math.Sqrt(s0), math.Sqrt(s1), math.Sqrt(s2), math.Sqrt(s3)
	}
	out[0], out[1], out[2], out[3] = T(s0), T(s1), T(s2), T(s3)
}

func rowDistance[T loops.Float](m spec.Metric, a, b []T) T {
	var sum float64
	switch m {
	case spec.Manhattan:
		for k, v := range a {
			sum += math.Abs(float64(v - b[k]))
		}
		return T(sum)
	case spec.SNR:
		va, vd := variances(a, b)
		return T(vd / max(va, leastVariance))
	}
	for k, v := range a {
		d := float64(v - b[k])
		sum += d * d
	}
	if m == spec.Euclidean {
		sum = math.Sqrt(sum)
	}
	return T(sum)
}

// leastVariance stands for the variance of an anchor whose entries are all equal.
const leastVariance = 1e-12

// variances are the unbiased variances of a's entries and of (a − b)'s.
func variances[T loops.Float](a, b []T) (va, vd float64) {
	ma, md := means(a, b)
	for k, v := range a {
		x, d := float64(v)-ma, float64(v-b[k])-md
		va += x * x
		vd += d * d
	}
	n := float64(len(a) - 1)
	return va / n, vd / n
}

func means[T loops.Float](a, b []T) (ma, md float64) {
	for k, v := range a {
		ma += float64(v)
		md += float64(v - b[k])
	}
	n := float64(len(a))
	return ma / n, md / n
}

// distanceGradient is PairGrad by a plain loop over a gradient in memory.
type distanceGradient struct {
	spec.Distance
	ToY bool
}

// distanceGrad adds up, row by row, what the pairs say; with Self the result is the whole
// gradient to x.
func distanceGrad[T loops.Float](s distanceGradient) func(out, x, y, d, g []T) {
	var x, y, d, g, out []T
	var acc []float64
	// With Self, a symmetric distance's two gradients to a row are one sum.
	both := s.Self && s.Metric != spec.SNR
	one := func(sum []float64, i, j int, toY bool) {
		gij := float64(g[i*s.M+j])
		if both {
			gij += float64(g[j*s.M+i])
		}
		if gij != 0 {
			addGrad(s.Distance, sum, x[i*s.D:(i+1)*s.D], y[j*s.D:(j+1)*s.D], float64(d[i*s.M+j]), gij, toY)
		}
	}
	body := func(lo, hi int) {
		for r := lo; r < hi; r++ {
			sum := acc[r*s.D : (r+1)*s.D]
			clear(sum)
			if !s.ToY {
				for j := range s.M {
					one(sum, r, j, false)
				}
			}
			if s.ToY || s.Self && !both {
				for i := range s.N {
					one(sum, i, r, true)
				}
			}
			for k, v := range sum {
				out[r*s.D+k] = T(v)
			}
		}
	}
	return func(o, xs, ys, ds, gs []T) {
		out, x, y, d, g = o, xs, ys, ds, gs
		if len(acc) < len(out) {
			acc = make([]float64, len(out))
		}
		rows := len(out) / max(s.D, 1)
		loops.Parallel(rows, rowGrain((s.N+s.M)*s.D), body)
	}
}

// addGrad adds g·∂d(a,b)/∂a, or ∂b if toB, to sum.
func addGrad[T loops.Float](s spec.Distance, sum []float64, a, b []T, d, g float64, toB bool) {
	if s.Metric == spec.Minkowski {
		addMinkowskiGrad(s.P, sum, a, b, d, g, toB)
		return
	}
	addDistanceGrad(s.Metric, sum, a, b, d, g, toB)
}

// addDistanceGrad is addGrad of the metrics without a P.
func addDistanceGrad[T loops.Float](m spec.Metric, sum []float64, a, b []T, d, g float64, toB bool) {
	if m == spec.SNR {
		addSNRGrad(sum, a, b, g, toB)
		return
	}
	if d != d {
		g = d // whatever the rows hold
	}
	scale := g
	switch m {
	case spec.Dot:
		if toB {
			b = a
		}
		sum = sum[:len(b)]
		for k, v := range b {
			sum[k] += g * float64(v)
		}
		return
	case spec.SquaredEuclidean:
		scale = 2 * g
	case spec.Euclidean:
		if d == 0 {
			return
		}
		scale = g / d
	}
	if toB {
		scale = -scale
	}
	b, sum = b[:len(a)], sum[:len(a)]
	if m == spec.Manhattan {
		for k, v := range a {
			sum[k] += scale * sign(float64(v-b[k]))
		}
		return
	}
	for k, v := range a {
		sum[k] += scale * float64(v-b[k])
	}
}

func addSNRGrad[T loops.Float](sum []float64, a, b []T, g float64, toB bool) {
	ma, md := means(a, b)
	va, vd := variances(a, b)
	n := float64(len(a) - 1)
	flat := va < leastVariance
	va = max(va, leastVariance)
	for k, v := range a {
		dd := 2 * (float64(v-b[k]) - md) / n / va
		if toB {
			sum[k] -= g * dd
			continue
		}
		if flat {
			sum[k] += g * dd
			continue
		}
		sum[k] += g * (dd - vd/(va*va)*2*(float64(v)-ma)/n)
	}
}
