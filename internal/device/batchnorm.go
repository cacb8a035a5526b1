package device

import (
	"math"

	"medusa/internal/device/cpu"
)

// BatchStats computes from x (N, C, Plane) the statistics (2, C) that normalise it: the
// means and then the inverse standard deviations 1/√(variance + Eps). As a side effect
// it moves the running mean and variance, inputs 1 and 2, (C) each, by Momentum towards
// those of the batch; the running variance takes the unbiased one. An op of it is not to
// be merged with others.
type BatchStats struct {
	N, C, Plane   int
	Momentum, Eps float64
}

func (s BatchStats) cpu() Kernel { return host(batchStats[float32](s), batchStats[float64](s)) }

// Writes tells that the op changes the running mean and variance.
func (s BatchStats) Writes() []int { return []int{1, 2} }

func batchStats[T cpu.Float](s BatchStats) func(out []T, in [][]T) {
	b := cpu.BatchNorm{N: s.N, C: s.C, Plane: s.Plane}
	mean, variance, sums := make([]float64, s.C), make([]float64, s.C), make([]float64, 2*s.C)
	n := float64(s.N * s.Plane)
	var x, stats, runMean, runVar []T
	body := func(lo, hi int) {
		cpu.Moments(b, lo, hi, x, mean, variance, sums)
		for c := lo; c < hi; c++ {
			stats[c] = T(mean[c])
			stats[s.C+c] = T(1 / math.Sqrt(variance[c]+s.Eps))
			runMean[c] = moved(runMean[c], mean[c], s.Momentum)
			runVar[c] = moved(runVar[c], variance[c]*n/(n-1), s.Momentum)
		}
	}
	return func(out []T, in [][]T) {
		x, stats, runMean, runVar = in[0], out, in[1], in[2]
		cpu.Parallel(s.C, rowGrain(s.N*s.Plane), body)
	}
}

func moved[T cpu.Float](running T, batch, momentum float64) T {
	return T((1-momentum)*float64(running) + momentum*batch)
}

// RunningStats computes the statistics (2, C) of BatchStats from a running mean and
// variance, (C) each.
type RunningStats struct {
	C   int
	Eps float64
}

func (s RunningStats) cpu() Kernel {
	return host(runningStats[float32](s), runningStats[float64](s))
}

func runningStats[T cpu.Float](s RunningStats) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		copy(out, in[0])
		for c, v := range in[1] {
			out[s.C+c] = T(1 / math.Sqrt(float64(v)+s.Eps))
		}
	}
}

// BatchNorm computes γ·(x − mean)·istd + β from x (N, C, Plane), statistics (2, C),
// γ (C) and β (C), cut at zero with Relu.
type BatchNorm struct{ cpu.BatchNorm }

func (s BatchNorm) cpu() Kernel { return host(batchNorm[float32](s), batchNorm[float64](s)) }

func batchNorm[T cpu.Float](s BatchNorm) func(out []T, in [][]T) {
	var x, stats, gamma, beta, y []T
	body := func(lo, hi int) { cpu.Normalize(s.BatchNorm, lo, hi, x, stats, gamma, beta, y) }
	return func(out []T, in [][]T) {
		x, stats, gamma, beta, y = in[0], in[1], in[2], in[3], out
		cpu.Parallel(s.N*s.C, rowGrain(s.Plane), body)
	}
}

// BatchNormAdd computes max(0, BatchNorm + z) from the inputs of BatchNorm and z, all of x's
// shape, a plane at a time, so that what is normalised never goes to memory. The Relu of
// BatchNorm is not looked at.
type BatchNormAdd struct{ cpu.BatchNorm }

func (s BatchNormAdd) cpu() Kernel { return host(batchNormAdd[float32](s), batchNormAdd[float64](s)) }

func batchNormAdd[T cpu.Float](s BatchNormAdd) func(out []T, in [][]T) {
	s.Relu = false
	step := max(1, addedAtOnce/s.Plane)
	var x, stats, gamma, beta, z, y []T
	body := func(lo, hi int) {
		for ; lo < hi; lo += step {
			end := min(lo+step, hi)
			cpu.Normalize(s.BatchNorm, lo, end, x, stats, gamma, beta, y)
			part := y[lo*s.Plane : end*s.Plane]
			cpu.AddRelu(part, z[lo*s.Plane:end*s.Plane], part)
		}
	}
	return func(out []T, in [][]T) {
		x, stats, gamma, beta, z, y = in[0], in[1], in[2], in[3], in[4], out
		cpu.Parallel(s.N*s.C, rowGrain(s.Plane), body)
	}
}

// addedAtOnce is how many numbers stay in the nearest cache between two passes over them.
const addedAtOnce = 2048

// BatchNormParamsGrad computes the gradients (2, C) to γ and to β from BatchNorm's
// inputs and dy.
type BatchNormParamsGrad struct{ cpu.BatchNorm }

func (s BatchNormParamsGrad) cpu() Kernel {
	return host(batchNormParamsGrad[float32](s), batchNormParamsGrad[float64](s))
}

func batchNormParamsGrad[T cpu.Float](s BatchNormParamsGrad) func(out []T, in [][]T) {
	sums := make([]float64, 2*s.C)
	var x, stats, gamma, beta, dy, grads []T
	body := func(lo, hi int) {
		cpu.NormalizeParamsGrad(s.BatchNorm, lo, hi, x, stats, gamma, beta, dy, grads, sums)
	}
	return func(out []T, in [][]T) {
		x, stats, gamma, beta, dy, grads = in[0], in[1], in[2], in[3], in[4], out
		cpu.Parallel(s.C, rowGrain(s.N*s.Plane), body)
	}
}

// BatchNormGrad computes the gradient to x from BatchNorm's inputs, dy and, unless the
// statistics are Fixed, the output of BatchNormParamsGrad.
type BatchNormGrad struct {
	cpu.BatchNorm
	Fixed bool // the statistics do not depend on x
}

func (s BatchNormGrad) cpu() Kernel {
	return host(batchNormGrad[float32](s), batchNormGrad[float64](s))
}

func batchNormGrad[T cpu.Float](s BatchNormGrad) func(out []T, in [][]T) {
	var x, stats, gamma, beta, dy, grads, dx []T
	body := func(lo, hi int) {
		cpu.NormalizeGrad(s.BatchNorm, lo, hi, x, stats, gamma, beta, dy, grads, dx)
	}
	return func(out []T, in [][]T) {
		x, stats, gamma, beta, dy, dx = in[0], in[1], in[2], in[3], in[4], out
		if !s.Fixed {
			grads = in[5]
		}
		cpu.Parallel(s.N*s.C, rowGrain(s.Plane), body)
	}
}

// Row copies row I of a matrix with Cols columns, to (Cols).
type Row struct{ I, Cols int }

func (s Row) cpu() Kernel { return host(row[float32](s), row[float64](s)) }

func row[T cpu.Float](s Row) func(out []T, in [][]T) {
	return func(out []T, in [][]T) { copy(out, in[0][s.I*s.Cols:(s.I+1)*s.Cols]) }
}
