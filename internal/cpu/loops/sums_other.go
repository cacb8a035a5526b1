//go:build !amd64 && !arm64

package loops

// No instruction set here has assembly for the sums, so nothing calls these.

func sumLanes(l *float64, x *float32, n int) {}

func dotLanes(l *float64, x, y *float32, n int) {}

func deviationsLanes(l *float64, x *float32, n int, from float32) {}

func normalizeSumsLanes(l *float64, x, dy *float32, n int, mean float32) {}

func normalizeReluSumsLanes(l *float64, x, dy *float32, n int, mean, scale, shift float32) {}

func termLanes(l *float64, x, mask *float32, n int, low, high float32) {}

func extremeLanes(lanes, x, mask *float32, n int, largest bool) {}

func spanLanes(lanes, x *float32, n int, at, margin, from, to float32) int { return 0 }

func hingeLanes(l *float64, x, mask *float32, n int, k, c, low, high float32) {}

func squareLanes(l *float64, x, mask *float32, n int, k, c, low, high float32) {}
