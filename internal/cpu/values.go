package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	register(values[float32], values[float64])
}

func values[T loops.Float](s spec.Values) func(out []T, in [][]T) {
	var numbers []T // of the type that is run
	return func(out []T, _ [][]T) {
		if numbers == nil {
			numbers = rounded[T](s.Numbers())
		}
		copy(out, numbers)
	}
}

func rounded[T loops.Float](numbers []float64) []T {
	out := make([]T, len(numbers))
	for i, v := range numbers {
		out[i] = T(v)
	}
	return out
}
