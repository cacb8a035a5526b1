package loops

// These call by name and not by pointer, so that the lanes stay on the stack.

func sumLanes(l *float64, x *float32, n int) {
	sumNEON(l, x, n)
}

func dotLanes(l *float64, x, y *float32, n int) {
	dotNEON(l, x, y, n)
}

func deviationsLanes(l *float64, x *float32, n int, from float32) {
	deviationsNEON(l, x, n, from)
}

func normalizeSumsLanes(l *float64, x, dy *float32, n int, mean float32) {
	normalizeSumsNEON(l, x, dy, n, mean)
}

func normalizeReluSumsLanes(l *float64, x, dy *float32, n int, mean, scale, shift float32) {
	normalizeReluSumsNEON(l, x, dy, n, mean, scale, shift)
}

func termLanes(l *float64, x, mask *float32, n int, low, high float32) {
	termSumsNEON(l, x, mask, n, low, high)
}

func extremeLanes(lanes, x, mask *float32, n int, largest bool) {
	if largest {
		rowMaxNEON(lanes, x, mask, n)
		return
	}
	rowMinNEON(lanes, x, mask, n)
}

func spanLanes(lanes, x *float32, n int, at, margin, from, to float32) int {
	return spanSumNEON(lanes, x, n, at, margin, from, to)
}

func hingeLanes(l *float64, x, mask *float32, n int, k, c, low, high float32) {
	hingeSumsNEON(l, x, mask, n, k, c, low, high)
}

func squareLanes(l *float64, x, mask *float32, n int, k, c, low, high float32) {
	squareSumsNEON(l, x, mask, n, k, c, low, high)
}
