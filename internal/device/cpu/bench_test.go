package cpu

import (
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
