package device

import (
	"math"

	"github.com/pkg/errors"

	"medusa/internal/device/cpu"
)

// LogSoftmax computes ln(eˣ/Σeˣ) over each row of x (Rows, Cols). Infinite entries are
// taken as the limit: among several +∞, or where all are −∞, those entries share the row.
type LogSoftmax struct{ Rows, Cols int }

func (s LogSoftmax) cpu() Kernel { return host(logSoftmax[float32](s), logSoftmax[float64](s)) }

func logSoftmax[T cpu.Float](s LogSoftmax) func(out []T, in [][]T) {
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
			cpu.Affine(res, row, 1, -m)
			cpu.Affine(res, res, 1, T(-lse))
		}
	})
	return func(out []T, in [][]T) {
		x, y = in[0], out
		rows.run()
	}
}

// Softmax computes eˣ/Σeˣ over each row of x (Rows, Cols).
type Softmax struct{ Rows, Cols int }

func (s Softmax) cpu() Kernel { return host(softmax[float32](s), softmax[float64](s)) }

func softmax[T cpu.Float](s Softmax) func(out []T, in [][]T) {
	var x, y []T
	ones := onesOf[T](s.Cols)
	body := func(lo, hi int) {
		for r := lo; r < hi; r++ {
			res := y[r*s.Cols : (r+1)*s.Cols]
			_, total := powers(res, x[r*s.Cols:(r+1)*s.Cols], ones)
			cpu.Affine(res, res, T(1/total), 0)
		}
	}
	return func(out []T, in [][]T) {
		x, y = in[0], out
		cpu.Parallel(s.Rows, rowGrain(s.Cols), body)
	}
}

// SoftmaxGrad computes dx = y·(dy − Σ y·dy) over each row, from y = Softmax(x) and dy.
type SoftmaxGrad Softmax

func (s SoftmaxGrad) cpu() Kernel { return host(softmaxGrad[float32](s), softmaxGrad[float64](s)) }

func softmaxGrad[T cpu.Float](s SoftmaxGrad) func(out []T, in [][]T) {
	var y, dy, dx []T
	body := func(lo, hi int) {
		for r := lo; r < hi; r++ {
			i, j := r*s.Cols, (r+1)*s.Cols
			cpu.Affine(dx[i:j], dy[i:j], 1, T(-cpu.Dot(y[i:j], dy[i:j])))
			cpu.Mul(dx[i:j], dx[i:j], y[i:j])
		}
	}
	return func(out []T, in [][]T) {
		y, dy, dx = in[0], in[1], out
		cpu.Parallel(s.Rows, rowGrain(s.Cols), body)
	}
}

// powers writes e^(x−m) to e, where m is the largest entry, and returns m and the sum.
// ones is as long as x.
func powers[T cpu.Float](e, x, ones []T) (m T, total float64) {
	m, finite := cpu.Extreme(x, ones, true)
	if finite {
		cpu.Affine(e, x, 1, -m)
		cpu.Exp(e, e)
		return m, cpu.Sum(e)
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

func onesOf[T cpu.Float](n int) []T {
	ones := make([]T, n)
	for i := range ones {
		ones[i] = 1
	}
	return ones
}

// below is v − m, 0 where both are one infinity.
func below[T cpu.Float](v, m T) float64 {
	if v == m {
		return 0
	}
	return float64(v) - float64(m)
}

// LogSoftmaxGrad computes dx = dy − eʸ·Σdy over each row, from y = LogSoftmax(x) and dy.
type LogSoftmaxGrad LogSoftmax

func (s LogSoftmaxGrad) cpu() Kernel {
	return host(logSoftmaxGrad[float32](s), logSoftmaxGrad[float64](s))
}

func logSoftmaxGrad[T cpu.Float](s LogSoftmaxGrad) func(out []T, in [][]T) {
	var y, dy, dx []T
	body := func(lo, hi int) {
		for r := lo; r < hi; r++ {
			i, j := r*s.Cols, (r+1)*s.Cols
			cpu.Exp(dx[i:j], y[i:j])
			cpu.Affine(dx[i:j], dx[i:j], T(-cpu.Sum(dy[i:j])), 0)
			cpu.Add(dx[i:j], dx[i:j], dy[i:j])
		}
	}
	return func(out []T, in [][]T) {
		y, dy, dx = in[0], in[1], out
		cpu.Parallel(s.Rows, rowGrain(s.Cols), body)
	}
}

// CrossEntropy computes −Σ_c q_c·ln p_c for each row of logits (Rows, Classes), to
// (Rows, 1), where p = softmax(logits) and q = (1 − Smoothing)·onehot(label) +
// Smoothing/Classes. The labels (Rows) are checked when the kernel runs.
type CrossEntropy struct {
	Rows, Classes int
	Smoothing     float64
}

func (s CrossEntropy) cpu() Kernel {
	return checked(crossEntropy[float32](s), crossEntropy[float64](s))
}

func crossEntropy[T cpu.Float](s CrossEntropy) func(out []T, in [][]T) error {
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
func smoothedLoss[T cpu.Float](x []T, m T, lse float64, label int, smoothing float64) float64 {
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

// CrossEntropyGrad computes dx = dy·(p − q) from logits, labels and dy (Rows, 1).
type CrossEntropyGrad CrossEntropy

func (s CrossEntropyGrad) cpu() Kernel {
	return checked(crossEntropyGrad[float32](s), crossEntropyGrad[float64](s))
}

func crossEntropyGrad[T cpu.Float](s CrossEntropyGrad) func(out []T, in [][]T) error {
	share := s.Smoothing / float64(s.Classes)
	var x, labels, dy, dx []T
	ones := onesOf[T](s.Classes)
	rows := newEachRow(s.Rows, s.Classes, s.Classes, func(r int, scratch []T) {
		res := dx[r*s.Classes : (r+1)*s.Classes]
		g, label := float64(dy[r]), int(labels[r])
		_, total := powers(scratch, x[r*s.Classes:(r+1)*s.Classes], ones)
		cpu.Affine(res, scratch, T(g/total), T(-g*share))
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
func checkIndices[T cpu.Float](what string, indices []T, n int) error {
	for i, v := range indices {
		if !(v >= 0 && v < T(n)) || v != T(int(v)) {
			return errors.Errorf("%s %v at position %d, want a whole number from 0 to %d", what, v, i, n-1)
		}
	}
	return nil
}
