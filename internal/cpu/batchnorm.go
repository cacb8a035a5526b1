package cpu

import (
	"math"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	register(batchStats[float32], batchStats[float64])
	register(runningStats[float32], runningStats[float64])
	register(batchNorm[float32], batchNorm[float64])
	register(batchNormAdd[float32], batchNormAdd[float64])
	registerSeveral(batchNormParamsGrad[float32], batchNormParamsGrad[float64])
	register(batchNormGrad[float32], batchNormGrad[float64])
}

func batchStats[T loops.Float](s spec.BatchStats) func(out []T, in [][]T) {
	b := spec.BatchNorm{N: s.N, C: s.C, Plane: s.Plane}
	mean, variance, sums := make([]float64, s.C), make([]float64, s.C), make([]float64, 2*s.C)
	n := float64(s.N * s.Plane)
	var x, stats, runMean, runVar []T
	body := func(lo, hi int) {
		loops.Moments(b, lo, hi, x, mean, variance, sums)
		for c := lo; c < hi; c++ {
			stats[c] = T(mean[c])
			stats[s.C+c] = T(1 / math.Sqrt(variance[c]+s.Eps))
			runMean[c] = moved(runMean[c], mean[c], s.Momentum)
			runVar[c] = moved(runVar[c], variance[c]*n/(n-1), s.Momentum)
		}
	}
	return func(out []T, in [][]T) {
		x, stats, runMean, runVar = in[0], out, in[1], in[2]
		loops.Parallel(s.C, rowGrain(s.N*s.Plane), body)
	}
}

func moved[T loops.Float](running T, batch, momentum float64) T {
	return T((1-momentum)*float64(running) + momentum*batch)
}

func runningStats[T loops.Float](s spec.RunningStats) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		copy(out, in[0])
		for c, v := range in[1] {
			out[s.C+c] = T(1 / math.Sqrt(float64(v)+s.Eps))
		}
	}
}

func batchNorm[T loops.Float](s spec.BatchNorm) func(out []T, in [][]T) {
	var x, stats, gamma, beta, y []T
	body := func(lo, hi int) { loops.Normalize(s, lo, hi, x, stats, gamma, beta, y) }
	return func(out []T, in [][]T) {
		x, stats, gamma, beta, y = in[0], in[1], in[2], in[3], out
		loops.Parallel(s.N*s.C, rowGrain(s.Plane), body)
	}
}

func batchNormAdd[T loops.Float](s spec.BatchNormAdd) func(out []T, in [][]T) {
	s.Relu = false
	step := max(1, addedAtOnce/s.Plane)
	var x, stats, gamma, beta, z, y []T
	body := func(lo, hi int) {
		for ; lo < hi; lo += step {
			end := min(lo+step, hi)
			loops.Normalize(s.BatchNorm, lo, end, x, stats, gamma, beta, y)
			part := y[lo*s.Plane : end*s.Plane]
			loops.AddRelu(part, z[lo*s.Plane:end*s.Plane], part)
		}
	}
	return func(out []T, in [][]T) {
		x, stats, gamma, beta, z, y = in[0], in[1], in[2], in[3], in[4], out
		loops.Parallel(s.N*s.C, rowGrain(s.Plane), body)
	}
}

// addedAtOnce is how many numbers stay in the nearest cache between two passes over them.
const addedAtOnce = 2048

func batchNormParamsGrad[T loops.Float](s spec.BatchNormParamsGrad) func(out, in [][]T) {
	sums := make([]float64, 2*s.C)
	var x, stats, gamma, beta, dy, dgamma, dbeta []T
	body := func(lo, hi int) {
		loops.NormalizeParamsGrad(s.BatchNorm, lo, hi, x, stats, gamma, beta, dy, dgamma, dbeta, sums)
	}
	return func(out, in [][]T) {
		x, stats, gamma, beta, dy, dgamma, dbeta = in[0], in[1], in[2], in[3], in[4], out[0], out[1]
		loops.Parallel(s.C, rowGrain(s.N*s.Plane), body)
	}
}

func batchNormGrad[T loops.Float](s spec.BatchNormGrad) func(out []T, in [][]T) {
	var x, stats, gamma, beta, dy, dgamma, dbeta, dx []T
	body := func(lo, hi int) {
		loops.NormalizeGrad(s.BatchNorm, lo, hi, x, stats, gamma, beta, dy, dgamma, dbeta, dx)
	}
	return func(out []T, in [][]T) {
		x, stats, gamma, beta, dy, dx = in[0], in[1], in[2], in[3], in[4], out
		if !s.Fixed {
			dgamma, dbeta = in[5], in[6]
		}
		loops.Parallel(s.N*s.C, rowGrain(s.Plane), body)
	}
}
