package device

import (
	"math"

	"medusa/internal/device/cpu"
)

// logSumExpAt is ln Σ eˣ over the entries of a row where mask is not 0, given their
// maximum m. The sum is taken in float64. part is scratch memory.
func logSumExpAt[T cpu.Float](x, mask []T, m T, part []T) T {
	if math.IsInf(float64(m), 0) {
		return m // −∞: all entries are −∞; +∞: the sum is infinite
	}
	var sum float64
	for len(x) > 0 {
		n := min(len(part), len(x))
		cpu.ExpWhere(part[:n], x[:n], mask[:n], 1, m)
		sum += cpu.Sum(part[:n])
		x, mask = x[n:], mask[n:]
	}
	return T(float64(m) + math.Log(sum))
}

// gradLogSumExp sets dx to dy·k·e^{k·x}/Σe^{k·x} over the entries where mask is not 0, and
// to 0 elsewhere. Infinite entries share as they do in LogSoftmax. The sum is taken again,
// since the result, rounded to float32, lies up to |y|·6·10⁻⁸ off. part is scratch memory.
func gradLogSumExp[T cpu.Float](dx, x, mask []T, k, dy T, part []T) {
	if m, finite := cpu.Extreme(x, mask, k > 0); finite {
		if math.IsInf(float64(m), 0) { // no entry
			clear(dx)
			return
		}
		cpu.ExpWhere(dx, x, mask, k, k*m)
		cpu.Affine(dx, dx, T(float64(k)*float64(dy)/cpu.Sum(dx)), 0)
		return
	}
	cpu.Affine(part[:len(x)], x, k, 0)
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
