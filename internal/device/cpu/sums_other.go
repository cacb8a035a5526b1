//go:build !amd64

package cpu

// No instruction set here has assembly for the sums, so nothing calls these.

func sumLanes(l *float64, x *float32, n int) {}

func dotLanes(l *float64, x, y *float32, n int) {}

func deviationsLanes(l *float64, x *float32, n int, from float32) {}

func normalizeSumsLanes(l *float64, x, dy *float32, n int, mean float32) {}

func normalizeReluSumsLanes(l *float64, x, dy *float32, n int, mean, scale, shift float32) {}
