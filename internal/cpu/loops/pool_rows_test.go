package loops

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/spec"
)

// The assembly of 2×2 windows agrees with the loop on values, places and gradients, at all
// sizes, for ties and NaN, and writes only its own planes.
func TestMaxPoolHalvesAgreeWithTheLoop(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	for h := 2; h <= 9; h++ {
		for w := 2; w <= 40; w++ {
			p := &spec.Pool2D{Planes: 5, H: h, W: w, KH: 2, KW: 2, StrideH: 2, StrideW: 2}
			x := withCorners(r, 5*h*w)
			for i := range x {
				if r.IntN(3) == 0 {
					x[i] = float32(r.IntN(3))
				}
			}
			checkHalves(t, p, x, randomSlice[float32](r, 5*p.OutH()*p.OutW()))
		}
	}
}

// checkHalves compares the instruction sets on planes 1 to 3 of 5.
func checkHalves(t *testing.T, p *spec.Pool2D, x, dy []float32) {
	t.Helper()
	lo, hi := 1, 4
	plane, n := p.OutH()*p.OutW(), 5*p.OutH()*p.OutW()
	type result struct {
		y, dx []float32
		arg   []int32
	}
	compute := func() (s result) {
		s = result{make([]float32, n), make([]float32, len(x)), make([]int32, n)}
		for i := range s.dx {
			s.dx[i] = 7
		}
		MaxPool(p, lo, hi, x, s.y, s.arg)
		MaxPoolGrad(p, lo, hi, dy, s.arg, s.dx)
		return s
	}
	var want result
	forInstructionSet(t, "generic", func() { want = compute() })
	for c := range plane { // beside the planes nothing is written
		require.Zero(t, want.y[c])
	}
	withEachInstructionSet(t, func(t *testing.T) {
		got := compute()
		requireSame(t, want.y, got.y, "y")
		require.Equal(t, want.arg, got.arg, "%d×%d", p.H, p.W)
		requireSame(t, want.dx, got.dx, "dx")
		y := make([]float32, n)
		MaxPool(p, lo, hi, x, y, nil)
		requireSame(t, want.y, y, "y without places")
	})
}

func BenchmarkMaxPool(b *testing.B) {
	p := &spec.Pool2D{Planes: 64 * 32, H: 28, W: 28, KH: 2, KW: 2, StrideH: 2, StrideW: 2}
	r := rand.New(rand.NewPCG(33, 34))
	x := randomSlice[float32](r, p.Planes*28*28)
	y, arg := make([]float32, p.Planes*14*14), make([]int32, p.Planes*14*14)
	bytes := 4 * float64(len(x)+2*len(y)) / 1e9
	b.Run("forward", func(b *testing.B) {
		bench(b, bytes, "GB/s", func() { MaxPool(p, 0, p.Planes, x, y, arg) })
	})
	b.Run("backward", func(b *testing.B) {
		bench(b, bytes, "GB/s", func() { MaxPoolGrad(p, 0, p.Planes, y, arg, x) })
	})
}

// Windows of 3×3 have the same maxima, to the bit, whether their places are asked for or not.
func TestMaxPoolThreesIsMaxPool(t *testing.T) {
	r := rand.New(rand.NewPCG(81, 82))
	negative := float32(math.Copysign(0, -1))
	for _, p := range []spec.Pool2D{
		{KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1, H: 16, W: 16}, {KH: 3, KW: 3, StrideH: 1, StrideW: 3, H: 7, W: 11},
		{KH: 3, KW: 3, StrideH: 2, StrideW: 2, H: 8, W: 9, Ceil: true}, {KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, H: 2, W: 2},
	} {
		const planes = 60
		x := make([]float32, planes*p.H*p.W)
		for i := range x {
			x[i] = []float32{0, negative, -1, float32(r.NormFloat64()), float32(math.NaN()), float32(math.Inf(-1))}[r.IntN(6)]
			if i < len(x)/2 && x[i] != x[i] {
				x[i] = -2
			}
		}
		n := planes * p.OutH() * p.OutW()
		want, got := make([]float32, n), make([]float32, n)
		MaxPool(&p, 0, planes, x, want, make([]int32, n))
		MaxPool(&p, 0, planes, x, got, nil)
		for i := range want {
			require.Equal(t, math.Float32bits(want[i]), math.Float32bits(got[i]), "%+v, number %d", p, i)
		}
	}
}
