package loops

import (
	"sync"
	"testing"
	"time"
)

// bench times f and reports work per second, on the whole and of the best call: on a
// machine with other work to do only the best says what the kernel can.
func bench(b *testing.B, work float64, unit string, f func()) {
	f()
	best := time.Duration(1 << 62)
	for b.Loop() {
		start := time.Now()
		f()
		best = min(best, time.Since(start))
	}
	b.ReportMetric(work*float64(b.N)/b.Elapsed().Seconds(), unit)
	b.ReportMetric(work/best.Seconds(), "best-"+unit)
}

// peakRate is the best of Peak on one core, in GFLOP/s; 0 where there is none.
var peakRate = sync.OnceValue(func() (rate float64) {
	for range 20 {
		start := time.Now()
		n := Peak(1 << 12)
		rate = max(rate, n/1e9/time.Since(start).Seconds())
	}
	return rate
})
