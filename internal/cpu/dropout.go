package cpu

import (
	"math"
	"math/rand/v2"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	register(dropout[float32], dropout[float64])
	register(dropoutGrad[float32], dropoutGrad[float64])
}

func dropout[T loops.Float](s spec.Dropout) func(out []T, in [][]T) {
	mask := dropped[T](s)
	return func(out []T, in [][]T) {
		state := in[1]
		s.Draw.Seed, s.Draw.Run = number(state[:2]), number(state[2:])
		mask(in[0], out)
		setNumber(state[2:], s.Draw.Run+1)
	}
}

func number[T loops.Float](digits []T) uint64 {
	return uint64(digits[0]) + spec.DropoutBase*uint64(digits[1])
}

func setNumber[T loops.Float](digits []T, n uint64) {
	digits[0], digits[1] = T(n%spec.DropoutBase), T(n/spec.DropoutBase)
}

func dropoutGrad[T loops.Float](s spec.DropoutGrad) func(out []T, in [][]T) {
	mask := dropped[T](spec.Dropout(s))
	return func(out []T, in [][]T) { mask(in[0], out) }
}

// dropoutPiece is the number of elements that share a generator.
const dropoutPiece = 4096

// dropped applies the mask of s.Draw.
func dropped[T loops.Float](s spec.Dropout) func(x, y []T) {
	limit := uint64(math.Round(s.Rate * (1 << 32)))
	scale := T(1 / (1 - s.Rate))
	var x, y []T
	body := func(lo, hi int) {
		// The run is mixed by the generator itself; the odd factor keeps (run, piece)
		// pairs apart.
		var rng rand.PCG
		rng.Seed(s.Draw.Seed, s.Draw.Run*0x9e3779b97f4a7c15+uint64(lo/dropoutPiece))
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
		loops.Parallel(s.N, dropoutPiece, body)
	}
}
