package cpu

import (
	"math"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

// reduceLogSumExp is ln Σ e^{k·x} over the chosen entries of a row, with the
// largest exponent and the sum of the powers divided by it. part is scratch memory.
func reduceLogSumExp[T loops.Float](s spec.RowReduce, x, mask, part []T) reduction[T] {
	k := T(s.K)
	m, finite := loops.Extreme(x, mask, k > 0)
	switch {
	case !finite:
		return reduction[T]{logSumExpOfAny(s, x, mask, part), T(math.NaN()), T(math.NaN())}
	case math.IsInf(float64(m), 0): // no entry
		return reduction[T]{value: T(s.Empty)}
	}
	loops.ExpWhere(part, x, mask, k, k*m)
	total := loops.Sum(part)
	return reduction[T]{T(float64(k*m) + math.Log(total)), k * m, T(total)}
}

// logSumExpOfAny is the value for a row with numbers that are not finite.
func logSumExpOfAny[T loops.Float](s spec.RowReduce, x, mask, part []T) T {
	part = part[:len(x)]
	loops.Affine(part, x, T(s.K), 0)
	best := extremeOfAny(spec.RowMax, part, mask)
	if best < 0 {
		return T(s.Empty)
	}
	m := part[best]
	if m != m || math.IsInf(float64(m), 0) {
		return m // −∞: all entries are −∞; +∞: the sum is infinite
	}
	var sum float64
	for i, v := range part {
		if mask[i] != 0 {
			sum += math.Exp(float64(v) - float64(m))
		}
	}
	return T(float64(m) + math.Log(sum))
}

// gradLogSumExp sets dx to dy·k·e^{k·x}/Σe^{k·x} over the entries where mask is not 0, and
// to 0 elsewhere, given the largest exponent and the total of RowReduce. Its value alone would not do: rounded to
// float32 it lies up to |y|·6·10⁻⁸ off. Infinite entries share as they do in LogSoftmax.
// part is scratch memory.
func gradLogSumExp[T loops.Float](dx, x, mask []T, k, at, total, dy T, part []T) {
	switch {
	case total == 0: // no entry
		clear(dx)
		return
	case total == total:
		loops.ExpWhere(dx, x, mask, k, at)
		loops.Affine(dx, dx, T(float64(k)*float64(dy)/float64(total)), 0)
		return
	}
	loops.Affine(part[:len(x)], x, k, 0)
	x, dy = part[:len(x)], k*dy
	m := T(math.Inf(-1))
	for i, v := range x {
		if mask[i] != 0 && v > m {
			m = v
		}
	}
	var sum float64
	for i, v := range x {
		dx[i] = 0
		if mask[i] != 0 {
			e := math.Exp(below(v, m))
			sum += e
			dx[i] = T(e)
		}
	}
	scale := float64(dy) / sum
	for i, e := range dx {
		if mask[i] != 0 {
			dx[i] = T(float64(e) * scale)
		}
	}
}
