package cpu

import (
	"math"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	register(pairedSoftmax[float32], pairedSoftmax[float64])
	register(pairedSoftmaxGrad[float32], pairedSoftmaxGrad[float64])
}

func pairedSoftmax[T loops.Float](s spec.PairedSoftmax) func(out []T, in [][]T) {
	t := newPairedRows[T](s)
	return func(out []T, in [][]T) {
		t.begin(in)
		loops.Softplus(t.gaps, t.gaps)
		clear(out)
		for i, a := range t.rows {
			out[a] = t.gaps[i]
		}
	}
}

func pairedSoftmaxGrad[T loops.Float](s spec.PairedSoftmaxGrad) func(out []T, in [][]T) {
	t := newPairedRows[T](s.PairedSoftmax)
	var grads []T
	return func(out []T, in [][]T) {
		t.begin(in)
		t.grad(in[3])
		clear(out)
		n, m := len(t.rows), len(t.columns)
		if n == 0 {
			return
		}
		to := t.rows
		if s.ToY {
			to = t.columns
		}
		grads = grown(grads, len(to)*s.D)
		if s.ToY {
			loops.Gemm(true, false, m, s.D, n, 1, t.logits, m, t.x, s.D, 0, grads, s.D)
		} else {
			loops.Gemm(false, false, n, s.D, m, 1, t.logits, m, t.y, s.D, 0, grads, s.D)
		}
		for i, r := range to {
			copy(out[int(r)*s.D:], grads[i*s.D:(i+1)*s.D])
		}
	}
}

// pairedRows are the rows of x that have a partner, the partners, each once, and their products.
type pairedRows[T loops.Float] struct {
	s             spec.PairedSoftmax
	rows, columns []int32 // of x and of y
	partner       []int32 // of each of the rows, a number in columns
	at            []int32 // of each row of y, its number in columns, −1 if it is no partner
	x, y, logits  []T
	gaps          []T            // of each of the rows: the other partners' products, taken together, less that of its own; −∞ without another
	reduced       []reduction[T] // of each of the rows, its other partners' products as RowReduce makes it
	ones, part    []T
	up            []T // of each of the rows
}

func newPairedRows[T loops.Float](s spec.PairedSoftmax) *pairedRows[T] {
	return &pairedRows[T]{s: s, at: make([]int32, s.M)}
}

// begin makes the products and what is left of them.
func (t *pairedRows[T]) begin(in [][]T) {
	t.rows, t.columns, t.partner = t.rows[:0], t.columns[:0], t.partner[:0]
	for j := range t.at {
		t.at[j] = -1
	}
	for a, p := range in[2] {
		if p < 0 {
			continue
		}
		if t.at[int(p)] < 0 {
			t.at[int(p)] = int32(len(t.columns))
			t.columns = append(t.columns, int32(p))
		}
		t.rows, t.partner = append(t.rows, int32(a)), append(t.partner, t.at[int(p)])
	}
	n, m, d := len(t.rows), len(t.columns), t.s.D
	t.x, t.y = gatheredRows(t.x, in[0], t.rows, d), gatheredRows(t.y, in[1], t.columns, d)
	t.logits, t.part = grown(t.logits, n*m), grown(t.part, 2*m)
	t.gaps, t.reduced, t.up = grown(t.gaps, n), grown(t.reduced, n), grown(t.up, n)
	for len(t.ones) < m {
		t.ones = append(t.ones, 1)
	}
	if n > 0 {
		loops.Gemm(false, true, n, m, d, 1, t.x, d, t.y, d, 0, t.logits, m)
	}
	what := spec.RowReduce{Op: spec.RowLogSumExp, Rows: n, Cols: m, K: 1, Empty: math.Inf(-1)}
	for i := range t.rows {
		t.others(i, func(logits, mask []T, own int) {
			t.reduced[i] = reduceLogSumExp(what, logits, mask, t.part[:m])
			t.gaps[i] = t.reduced[i].value - logits[own]
		})
	}
}

// others calls body with a row's products, and the mask of all but its own partner.
func (t *pairedRows[T]) others(i int, body func(logits, mask []T, own int)) {
	m, own := len(t.columns), int(t.partner[i])
	t.ones[own] = 0
	body(t.logits[i*m:(i+1)*m], t.ones[:m], own)
	t.ones[own] = 1
}

// grad turns the products into the gradient to them, given that to the result.
func (t *pairedRows[T]) grad(up []T) {
	for i, a := range t.rows {
		t.up[i] = up[a]
	}
	loops.SoftplusGrad(t.up, t.gaps, t.up)
	m := len(t.columns)
	for i, g := range t.up {
		t.others(i, func(logits, mask []T, own int) {
			gradLogSumExp(t.part[:m], logits, mask, 1, t.reduced[i].at, t.reduced[i].total, g, t.part[m:])
			t.part[own] = -g
			copy(logits, t.part[:m])
		})
	}
}

// gatheredRows are rows of x (…, d), one behind the other, in memory that may be reused.
func gatheredRows[T loops.Float](dst, x []T, rows []int32, d int) []T {
	dst = grown(dst, len(rows)*d)
	for i, r := range rows {
		copy(dst[i*d:(i+1)*d], x[int(r)*d:])
	}
	return dst
}

// grown is memory for n numbers, which may be that of dst.
func grown[T any](dst []T, n int) []T {
	if cap(dst) < n {
		return make([]T, n)
	}
	return dst[:n]
}
