package cpu

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/device"
	"medusa/internal/spec"
)

// SNR by products and its gradient are those of the loop in float64, whatever the rows: a squared
// distance is off by what productDistances allows and by the rounding of rows less their means.
func TestSNRByProduct(t *testing.T) {
	const unit = 1. / (1 << 24)
	for seed := range uint64(120) {
		rng := rand.New(rand.NewPCG(seed, 23))
		n, m, d := 1+rng.IntN(40), 1+rng.IntN(40), 8+rng.IntN(50)
		x := hardRows(rng, n, d)
		for _, self := range []bool{true, false} {
			s := spec.Distance{Metric: spec.SNR, N: n, M: m, D: d, Self: self}
			y, rows := hardRows(rng, m, d), [][]float32{x}
			if self {
				s.M, y = n, x
			} else {
				rows = append(rows, y)
			}
			var exact [][]float64
			for _, v := range rows {
				exact = append(exact, doubles(v))
			}
			require.True(t, snrByProduct(s))
			got, want := make([]float32, n*s.M), make([]float64, n*s.M)
			snrDistances(s)(got, rows)
			distances[float64](s)(want, exact)
			lx, ly := newSignals(n, d), newSignals(s.M, d)
			lx.move(x)
			ly.move(y)
			length := func(l *signals, i int) float64 { return math.Sqrt(l.variance[i] * float64(d-1)) }
			largest := 0.0
			for i, v := range want {
				a, b := i/s.M, i%s.M
				largest = max(largest, v)
				if v > 1e30 {
					require.Greater(t, float64(got[i]), 9e29)
					continue
				}
				root, round := math.Sqrt(v*lx.noise(a)), 4*unit*(length(lx, a)+length(ly, b))
				require.InDelta(t, v, float64(got[i]), 24*16*unit*v+(2*root+round)*round/lx.noise(a)+1e-30, "seed %d %+v: element %d", seed, s, i)
			}
			if largest > 1e30 {
				continue
			}
			g := make([]float32, len(got))
			for i := range g {
				if rng.IntN(3) > 0 {
					g[i] = float32(rng.NormFloat64())
				}
			}
			for _, toY := range []bool{false, true} {
				if toY && self {
					continue
				}
				grad := crossMatrix(s, toY)
				gotGrad, wantGrad := make([]float32, pairGradRows(grad)*d), make([]float64, pairGradRows(grad)*d)
				snrGrad(distanceGradient{Distance: s, ToY: toY})(gotGrad, x, y, got, g)
				distanceGrad[float64](distanceGradient{Distance: s, ToY: toY})(wantGrad, doubles(x), doubles(y), want, doubles(g))
				size := make([]float64, pairGradRows(grad)) // Σ over pairs of what each can say at the most, times what it is off
				for k, v := range g {
					a, b := k/s.M, k%s.M
					w := math.Abs(float64(v)) / lx.noise(a)
					pull := w * (2e-5*2*math.Sqrt(want[k]*lx.noise(a)) + 8*unit*(length(lx, a)+length(ly, b)))
					noise := w * 2e-5 * 2 * (want[k]*length(lx, a) + length(lx, a) + length(ly, b))
					if toY || self {
						size[b] += pull
					}
					if !toY {
						size[a] += pull + noise
					}
				}
				for i, v := range wantGrad {
					require.InDelta(t, v, float64(gotGrad[i]), size[i/d]+1e-30, "seed %d %+v to y %t: row %d", seed, s, toY, i/d)
				}
			}
		}
	}
}

// The kernels of float32 take it.
func TestSNRTakesProducts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 24))
	const n, d = 9, 16
	s := spec.Distance{Metric: spec.SNR, N: n, M: n, D: d, Self: true}
	x, got, want := hardRows(rng, n, d), make([]float32, n*n), make([]float32, n*n)
	run := func(what any, out []float32, in ...[]float32) {
		k, err := Device.Kernel(what)
		require.NoError(t, err)
		var args []device.Memory
		for _, v := range in {
			args = append(args, device.Memory{F32: v})
		}
		require.NoError(t, k.Run([]device.Memory{{F32: out}}, args))
	}
	run(s, got, x)
	snrDistances(s)(want, [][]float32{x})
	require.Equal(t, want, got)
	grad := crossMatrix(s, false)
	gotGrad, wantGrad, g := make([]float32, n*d), make([]float32, n*d), hardRows(rng, n, n)
	run(grad, gotGrad, x, got, g)
	snrGrad(distanceGradient{Distance: s})(wantGrad, x, x, got, g)
	require.Equal(t, wantGrad, gotGrad)
}
