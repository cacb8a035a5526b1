package loops

// Peak does rounds of fused multiply-adds on the caller's goroutine, of float32 in
// registers alone, with the instruction set in use, and returns the number of
// floating-point operations: over the time that it took, the most that one core can do,
// which no other kernel reaches. It returns 0 where there is no such kernel.
func Peak(rounds int) (operations float64) {
	if active.simd.peak == nil || rounds < 1 {
		return 0
	}
	active.simd.peak(rounds)
	const accumulators, perFMA = 12, 2
	return float64(rounds) * accumulators * perFMA * float64(active.f32.lanes)
}
