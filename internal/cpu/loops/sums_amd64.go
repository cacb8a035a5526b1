package loops

// These call by name and not by pointer, so that the lanes stay on the stack.

func sumLanes(l *float64, x *float32, n int) {
	sumAVX2(l, x, n)
}

func dotLanes(l *float64, x, y *float32, n int) {
	dotAVX2(l, x, y, n)
}

func deviationsLanes(l *float64, x *float32, n int, from float32) {
	deviationsAVX2(l, x, n, from)
}

func normalizeSumsLanes(l *float64, x, dy *float32, n int, mean float32) {
	normalizeSumsAVX2(l, x, dy, n, mean)
}

func normalizeReluSumsLanes(l *float64, x, dy *float32, n int, mean, scale, shift float32) {
	normalizeReluSumsAVX2(l, x, dy, n, mean, scale, shift)
}

func termLanes(l *float64, x, mask *float32, n int, low, high float32) {
	termSumsAVX2(l, x, mask, n, low, high)
}

func extremeLanes(lanes, x, mask *float32, n int, largest bool) {
	switch wide := active.simd.wide; {
	case wide && largest:
		rowMaxAVX512(lanes, x, mask, n)
	case wide:
		rowMinAVX512(lanes, x, mask, n)
	case largest:
		rowMaxAVX2(lanes, x, mask, n)
	default:
		rowMinAVX2(lanes, x, mask, n)
	}
}

func spanLanes(lanes, x *float32, n int, at, margin, from, to float32) int {
	if active.simd.wide {
		return spanSumAVX512(lanes, x, n, at, margin, from, to)
	}
	return spanSumAVX2(lanes, x, n, at, margin, from, to)
}

func hingeLanes(l *float64, x, mask *float32, n int, k, c, low, high float32) {
	hingeSumsAVX2(l, x, mask, n, k, c, low, high)
}

func squareLanes(l *float64, x, mask *float32, n int, k, c, low, high float32) {
	squareSumsAVX2(l, x, mask, n, k, c, low, high)
}
