package device

import (
	"math"

	"medusa/internal/device/cpu"
)

// A state of random ops is a seed and a number of runs, as dropout's has (DropoutDigits). Advance
// hands it out and counts the run; what draws reads what Advance handed out, so that all draws
// of a run come from one number of it, whatever their order.

// Advance copies a state, its input, to the output, and then raises the state's number of runs
// by one. An op of it is not to be merged with others.
type Advance struct{}

func (s Advance) String() string { return "Advance" }

func (s Advance) cpu() Kernel { return host(advance[float32], advance[float64]) }

// Writes tells that the op counts its runs in input 0.
func (s Advance) Writes() []int { return []int{0} }

func advance[T cpu.Float](out []T, in [][]T) {
	state := in[0]
	copy(out, state[:DropoutDigits])
	setNumber(state[2:], number(state[2:])+1)
}

// Uniform draws N numbers uniform in [0, 1), multiples of 2⁻²⁴, of a state.
type Uniform struct {
	N      int
	Stream uint32 // ops of one state have different streams
}

func (s Uniform) cpu() Kernel {
	return host(
		drawn(s.N, s.Stream, func(w uint32) float32 { return float32(cpu.Uniform(w)) }),
		drawn(s.N, s.Stream, cpu.Uniform))
}

// Normal draws N numbers of the standard normal distribution, each of 32 random bits, of a
// state.
type Normal struct {
	N      int
	Stream uint32
}

func (s Normal) cpu() Kernel {
	return host(
		drawn(s.N, s.Stream, func(w uint32) float32 { return float32(cpu.Normal(w)) }),
		drawn(s.N, s.Stream, cpu.Normal))
}

// Bernoulli draws N numbers of a state that are 1 with probability P, a multiple of 2⁻³², and
// else 0.
type Bernoulli struct {
	N      int
	P      float64
	Stream uint32
}

// Limit is the word from which on the number is 0.
func (s Bernoulli) Limit() uint64 { return uint64(math.Round(s.P * (1 << 32))) }

func (s Bernoulli) cpu() Kernel {
	limit := s.Limit()
	return host(
		drawn(s.N, s.Stream, func(w uint32) float32 { return bit[float32](uint64(w) < limit) }),
		drawn(s.N, s.Stream, func(w uint32) float64 { return bit[float64](uint64(w) < limit) }))
}

func bit[T cpu.Float](set bool) T {
	if set {
		return 1
	}
	return 0
}

// drawn makes n numbers of a stream.
func drawn[T cpu.Float](n int, stream uint32, of func(word uint32) T) func(out []T, in [][]T) {
	var draw cpu.Draw
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
		cpu.Parallel(n, pointGrain/4, body)
	}
}

func drawOf[T cpu.Float](state []T, stream uint32) cpu.Draw {
	return cpu.Draw{Seed: number(state[:2]), Run: number(state[2:]), Stream: stream}
}

// DrawnColumns draws K columns for each row of weights (Rows, Cols), input 1, with probabilities that
// go by the weights, to (Rows, K); −1 in a row without a weight above 0. Input 0 is a state.
type DrawnColumns struct {
	Rows, Cols, K int
	Stream        uint32
}

func (s DrawnColumns) cpu() Kernel { return checked(choice[float32](s), choice[float64](s)) }

func choice[T cpu.Float](s DrawnColumns) func(out []T, in [][]T) error {
	var draw cpu.Draw
	var weights, y []T
	words := make([]uint32, s.Rows*s.K)
	body := func(lo, hi int) {
		var sums [cpu.ChoiceParts]float64
		for r := lo; r < hi; r++ {
			own := words[r*s.K : (r+1)*s.K]
			draw.Words(own, r*s.K)
			cpu.Choose(y[r*s.K:(r+1)*s.K], weights[r*s.Cols:(r+1)*s.Cols], own, &sums)
		}
	}
	return func(out []T, in [][]T) error {
		draw, weights, y = drawOf(in[0], s.Stream), in[1], out
		if err := checkWeights(weights); err != nil {
			return err
		}
		cpu.Parallel(s.Rows, rowGrain(s.Cols+8*s.K), body)
		return nil
	}
}
