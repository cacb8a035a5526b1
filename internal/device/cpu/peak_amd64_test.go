package cpu

import "testing"

// BenchmarkPeak is what the processor can do on one core: the yardstick of the other
// benchmarks.
func BenchmarkPeak(b *testing.B) {
	for name, f := range map[string]func(int){"avx512": peakAVX512, "avx2": peakAVX2} {
		lanes := map[string]int{"avx512": 16, "avx2": 8}[name]
		for _, s := range instructionSets {
			if s.name != name || !s.supported {
				continue
			}
			b.Run(name, func(b *testing.B) {
				const rounds = 1 << 14
				bench(b, 2*12*rounds*float64(lanes)/1e9, "GFLOP/s", func() { f(rounds) })
			})
		}
	}
}
