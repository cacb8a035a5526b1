package cpu

import (
	"math"

	"github.com/pkg/errors"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	register(logSoftmax[float32], logSoftmax[float64])
	register(softmax[float32], softmax[float64])
	register(softmaxGrad[float32], softmaxGrad[float64])
	register(logSoftmaxGrad[float32], logSoftmaxGrad[float64])
	registerChecked(crossEntropy[float32], crossEntropy[float64])
	registerChecked(crossEntropyGrad[float32], crossEntropyGrad[float64])
}

func logSoftmax[T loops.Float](s spec.LogSoftmax) func(out []T, in [][]T) {
	var x, y []T
	ones := onesOf[T](s.Cols)
	rows := newEachRow(s.Rows, s.Cols, s.Cols, func(r int, scratch []T) {
		row, res := x[r*s.Cols:(r+1)*s.Cols], y[r*s.Cols:(r+1)*s.Cols]
		m, total := powers(scratch, row, ones)
		if lse := math.Log(total); math.IsInf(float64(m), 0) {
			for c, v := range row {
				res[c] = T(below(v, m) - lse)
			}
		} else {
			loops.Affine(res, row, 1, -m)
			loops.Affine(res, res, 1, T(-lse))
		}
	})
	return func(out []T, in [][]T) {
		x, y = in[0], out
		rows.run()
	}
}

func softmax[T loops.Float](s spec.Softmax) func(out []T, in [][]T) {
	var x, y []T
	ones := onesOf[T](s.Cols)
	body := func(lo, hi int) {
		for r := lo; r < hi; r++ {
			res := y[r*s.Cols : (r+1)*s.Cols]
			_, total := powers(res, x[r*s.Cols:(r+1)*s.Cols], ones)
			loops.Affine(res, res, T(1/total), 0)
		}
	}
	return func(out []T, in [][]T) {
		x, y = in[0], out
		loops.Parallel(s.Rows, rowGrain(s.Cols), body)
	}
}

func softmaxGrad[T loops.Float](s spec.SoftmaxGrad) func(out []T, in [][]T) {
	var y, dy, dx []T
	body := func(lo, hi int) {
		for r := lo; r < hi; r++ {
			i, j := r*s.Cols, (r+1)*s.Cols
			loops.Affine(dx[i:j], dy[i:j], 1, T(-loops.Dot(y[i:j], dy[i:j])))
			loops.Mul(dx[i:j], dx[i:j], y[i:j])
		}
	}
	return func(out []T, in [][]T) {
		y, dy, dx = in[0], in[1], out
		loops.Parallel(s.Rows, rowGrain(s.Cols), body)
	}
}

// powers writes e^(x−m) to e, where m is the largest entry, and returns m and the sum.
// ones is as long as x.
func powers[T loops.Float](e, x, ones []T) (m T, total float64) {
	m, finite := loops.Extreme(x, ones, true)
	if finite {
		loops.Affine(e, x, 1, -m)
		loops.Exp(e, e)
		return m, loops.Sum(e)
	}
	m = T(math.Inf(-1))
	for _, v := range x {
		if v > m {
			m = v
		}
	}
	for i, v := range x {
		p := math.Exp(below(v, m))
		e[i] = T(p)
		total += p
	}
	return m, total
}

func onesOf[T loops.Float](n int) []T {
	ones := make([]T, n)
	for i := range ones {
		ones[i] = 1
	}
	return ones
}

// below is v − m, 0 where both are one infinity.
func below[T loops.Float](v, m T) float64 {
	if v == m {
		return 0
	}
	return float64(v) - float64(m)
}

func logSoftmaxGrad[T loops.Float](s spec.LogSoftmaxGrad) func(out []T, in [][]T) {
	var y, dy, dx []T
	body := func(lo, hi int) {
		for r := lo; r < hi; r++ {
			i, j := r*s.Cols, (r+1)*s.Cols
			loops.Exp(dx[i:j], y[i:j])
			loops.Affine(dx[i:j], dx[i:j], T(-loops.Sum(dy[i:j])), 0)
			loops.Add(dx[i:j], dx[i:j], dy[i:j])
		}
	}
	return func(out []T, in [][]T) {
		y, dy, dx = in[0], in[1], out
		loops.Parallel(s.Rows, rowGrain(s.Cols), body)
	}
}

func crossEntropy[T loops.Float](s spec.CrossEntropy) func(out []T, in [][]T) error {
	var x, labels, out []T
	ones := onesOf[T](s.Classes)
	rows := newEachRow(s.Rows, s.Classes, s.Classes, func(r int, scratch []T) {
		row := x[r*s.Classes : (r+1)*s.Classes]
		m, total := powers(scratch, row, ones)
		out[r] = T(smoothedLoss(row, m, math.Log(total), int(labels[r]), s.Smoothing))
	})
	return func(o []T, in [][]T) error {
		out, x, labels = o, in[0], in[1]
		if err := checkIndices("label", labels, s.Classes); err != nil {
			return err
		}
		rows.run()
		return nil
	}
}

// smoothedLoss takes the largest entry m of x and ln Σ e^(x−m).
func smoothedLoss[T loops.Float](x []T, m T, lse float64, label int, smoothing float64) float64 {
	var loss float64
	if smoothing < 1 { // else 0·∞ were possible
		loss = (1 - smoothing) * (lse - below(x[label], m))
	}
	if smoothing > 0 {
		var sum float64
		for _, v := range x {
			sum += lse - below(v, m)
		}
		loss += smoothing * sum / float64(len(x))
	}
	return loss
}

func crossEntropyGrad[T loops.Float](s spec.CrossEntropyGrad) func(out []T, in [][]T) error {
	share := s.Smoothing / float64(s.Classes)
	var x, labels, dy, dx []T
	ones := onesOf[T](s.Classes)
	rows := newEachRow(s.Rows, s.Classes, s.Classes, func(r int, scratch []T) {
		res := dx[r*s.Classes : (r+1)*s.Classes]
		g, label := float64(dy[r]), int(labels[r])
		_, total := powers(scratch, x[r*s.Classes:(r+1)*s.Classes], ones)
		loops.Affine(res, scratch, T(g/total), T(-g*share))
		// In float64: where the label is all but certain, p − 1 cancels.
		res[label] = T(g * (float64(scratch[label])/total - share - (1 - s.Smoothing)))
	})
	return func(out []T, in [][]T) error {
		x, labels, dy, dx = in[0], in[1], in[2], out
		if err := checkIndices("label", labels, s.Classes); err != nil {
			return err
		}
		rows.run()
		return nil
	}
}

// checkIndices returns an error that names the first entry that is not one of the whole
// numbers 0 … n−1.
func checkIndices[T loops.Float](what string, indices []T, n int) error {
	for i, v := range indices {
		if !(v >= 0 && v < T(n)) || v != T(int(v)) {
			return errors.Errorf("%s %v at position %d, want a whole number from 0 to %d", what, v, i, n-1)
		}
	}
	return nil
}
