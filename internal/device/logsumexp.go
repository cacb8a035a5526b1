package device

import (
	"math"

	"medusa/internal/device/cpu"
)

// logSumExpAt is ln Σ e^x over the entries of a row where mask is not 0, given their
// maximum m. The sum is taken in float64.
func logSumExpAt[T cpu.Float](x, mask []T, m T) T {
	if math.IsInf(float64(m), 0) {
		return m // −∞: all entries are −∞; +∞: the sum is infinite
	}
	var sum float64
	for i, v := range x {
		if mask[i] != 0 {
			sum += math.Exp(float64(v - m))
		}
	}
	return T(float64(m) + math.Log(sum))
}

func expOf[T cpu.Float](x T) T { return T(math.Exp(float64(x))) }
