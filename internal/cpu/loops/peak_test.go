package loops

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPeakCountsItsOperations(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		assert.Zero(t, Peak(0))
		n := Peak(10)
		if active.simd.peak == nil {
			assert.Zero(t, n)
			return
		}
		// ten rounds of 12 multiplications and additions in every lane
		assert.EqualValues(t, 10*12*2*active.f32.lanes, n)
	})
}

// BenchmarkPeak is what the processor can do on one core: the yardstick of the other
// benchmarks.
func BenchmarkPeak(b *testing.B) {
	const rounds = 1 << 14
	if n := Peak(rounds); n > 0 {
		bench(b, n/1e9, "GFLOP/s", func() { Peak(rounds) })
	}
}
