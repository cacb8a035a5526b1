package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/device"
	"medusa/internal/spec"
)

func init() {
	registerKernel(func(s spec.Advance) device.Kernel { return host(advance[float32], advance[float64]) })
	registerKernel(func(s spec.Uniform) device.Kernel {
		return host(
			drawn(s.N, s.Stream, func(w uint32) float32 { return float32(loops.Uniform(w)) }),
			drawn(s.N, s.Stream, loops.Uniform))
	})
	registerKernel(func(s spec.Normal) device.Kernel {
		return host(
			drawn(s.N, s.Stream, func(w uint32) float32 { return float32(loops.Normal(w)) }),
			drawn(s.N, s.Stream, loops.Normal))
	})
	registerKernel(bernoulliKernel)
	registerChecked(choice[float32], choice[float64])
}

func advance[T loops.Float](out []T, in [][]T) {
	state := in[0]
	copy(out, state[:spec.DropoutDigits])
	setNumber(state[2:], number(state[2:])+1)
}

func bernoulliKernel(s spec.Bernoulli) device.Kernel {
	limit := s.Limit()
	return host(
		drawn(s.N, s.Stream, func(w uint32) float32 { return bit[float32](uint64(w) < limit) }),
		drawn(s.N, s.Stream, func(w uint32) float64 { return bit[float64](uint64(w) < limit) }))
}

func bit[T loops.Float](set bool) T {
	if set {
		return 1
	}
	return 0
}

// drawn makes n numbers of a stream.
func drawn[T loops.Float](n int, stream uint32, of func(word uint32) T) func(out []T, in [][]T) {
	var draw loops.Draw
	var y []T
	body := func(lo, hi int) {
		var words [256]uint32
		for ; lo < hi; lo += len(words) {
			some := words[:min(len(words), hi-lo)]
			draw.Words(some, lo)
			for i, w := range some {
				y[lo+i] = of(w)
			}
		}
	}
	return func(out []T, in [][]T) {
		draw, y = drawOf(in[0], stream), out
		loops.Parallel(n, pointGrain/4, body)
	}
}

func drawOf[T loops.Float](state []T, stream uint32) loops.Draw {
	return loops.Draw{Seed: number(state[:2]), Run: number(state[2:]), Stream: stream}
}

func choice[T loops.Float](s spec.DrawnColumns) func(out []T, in [][]T) error {
	var draw loops.Draw
	var weights, y []T
	words := make([]uint32, s.Rows*s.K)
	body := func(lo, hi int) {
		var sums [loops.ChoiceParts]float64
		for r := lo; r < hi; r++ {
			own := words[r*s.K : (r+1)*s.K]
			draw.Words(own, r*s.K)
			loops.Choose(y[r*s.K:(r+1)*s.K], weights[r*s.Cols:(r+1)*s.Cols], own, &sums)
		}
	}
	return func(out []T, in [][]T) error {
		draw, weights, y = drawOf(in[0], s.Stream), in[1], out
		if err := checkWeights(weights); err != nil {
			return err
		}
		loops.Parallel(s.Rows, rowGrain(s.Cols+8*s.K), body)
		return nil
	}
}
