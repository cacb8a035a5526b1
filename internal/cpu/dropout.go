package cpu

import (
	"math"
	"math/rand/v2"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	register(dropout[float32], dropout[float64])
}

func number[T loops.Float](digits []T) uint64 {
	return uint64(digits[0]) + spec.DropoutBase*uint64(digits[1])
}

func setNumber[T loops.Float](digits []T, n uint64) {
	digits[0], digits[1] = T(n%spec.DropoutBase), T(n/spec.DropoutBase)
}

// dropoutPiece is the number of elements that share a generator.
const dropoutPiece = 4096

func dropout[T loops.Float](s spec.Dropout) func(out []T, in [][]T) {
	limit := uint64(math.Round(s.Rate * (1 << 32)))
	scale := T(1 / (1 - s.Rate))
	var x, y []T
	var seed, run uint64
	body := func(lo, hi int) {
		// The run is mixed by the generator itself; the odd factor keeps (run, piece)
		// pairs apart.
		var rng rand.PCG
		rng.Seed(seed, run*0x9e3779b97f4a7c15+uint64(lo/dropoutPiece))
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
	return func(out []T, in [][]T) {
		x, y = in[0], out
		seed, run = number(in[1][:2]), number(in[1][2:])
		loops.Parallel(s.N, dropoutPiece, body)
	}
}
