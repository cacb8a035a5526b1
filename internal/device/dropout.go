package device

import (
	"fmt"
	"math"
	"math/rand/v2"

	"medusa/internal/device/cpu"
)

// DropoutDigits is the length of a dropout's state: the seed and the number of runs so
// far, two digits each to the base DropoutBase, low one first. Digits are small enough
// that float32 holds them exactly.
const (
	DropoutDigits = 4
	DropoutBase   = 1 << 20
)

// Draw is what a dropout remembers for its gradient: the run whose mask it drew.
type Draw struct{ seed, run uint64 }

// Dropout computes x/(1−Rate) for a random part of N elements and 0 for the others, each
// with probability Rate. The mask depends on the seed and the number of the run alone.
// Both stand in the state (DropoutDigits), input 1, where the op counts its runs; the op
// is not to be merged with others.
type Dropout struct {
	N    int
	Rate float64
	Draw *Draw
}

func (s Dropout) String() string { return fmt.Sprintf("Dropout %d %v", s.N, s.Rate) }

func (s Dropout) cpu() Kernel { return host(dropout[float32](s), dropout[float64](s)) }

// Writes tells that the op counts its runs in input 1.
func (s Dropout) Writes() []int { return []int{1} }

func dropout[T cpu.Float](s Dropout) func(out []T, in [][]T) {
	mask := dropped[T](s)
	return func(out []T, in [][]T) {
		state := in[1]
		s.Draw.seed, s.Draw.run = number(state[:2]), number(state[2:])
		mask(in[0], out)
		setNumber(state[2:], s.Draw.run+1)
	}
}

func number[T cpu.Float](digits []T) uint64 { return uint64(digits[0]) + DropoutBase*uint64(digits[1]) }

func setNumber[T cpu.Float](digits []T, n uint64) {
	digits[0], digits[1] = T(n%DropoutBase), T(n/DropoutBase)
}

// DropoutGrad computes dx from dy and, for the order of execution, y.
type DropoutGrad Dropout

func (s DropoutGrad) String() string { return fmt.Sprintf("DropoutGrad %d %v", s.N, s.Rate) }

func (s DropoutGrad) cpu() Kernel { return host(dropoutGrad[float32](s), dropoutGrad[float64](s)) }

func dropoutGrad[T cpu.Float](s DropoutGrad) func(out []T, in [][]T) {
	mask := dropped[T](Dropout(s))
	return func(out []T, in [][]T) { mask(in[0], out) }
}

// dropoutPiece is the number of elements that share a generator.
const dropoutPiece = 4096

// dropped applies the mask of s.Draw.
func dropped[T cpu.Float](s Dropout) func(x, y []T) {
	limit := uint64(math.Round(s.Rate * (1 << 32)))
	scale := T(1 / (1 - s.Rate))
	var x, y []T
	body := func(lo, hi int) {
		// The run is mixed by the generator itself; the odd factor keeps (run, piece)
		// pairs apart.
		var rng rand.PCG
		rng.Seed(s.Draw.seed, s.Draw.run*0x9e3779b97f4a7c15+uint64(lo/dropoutPiece))
		var bits uint64
		for i := lo; i < hi; i++ {
			if (i-lo)%2 == 0 {
				bits = rng.Uint64()
			} else {
				bits >>= 32
			}
			choice := [2]T{x[i] * scale, 0} // no branch: it could not be predicted
			k := 0
			if bits&(1<<32-1) < limit {
				k = 1
			}
			y[i] = choice[k&1]
		}
	}
	return func(in, out []T) {
		x, y = in, out
		cpu.Parallel(s.N, dropoutPiece, body)
	}
}
