package loops

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/spec"
)

// randomConv draws a valid geometry with every feature at times.
func randomConv(r *rand.Rand) *spec.Conv2D {
	for {
		groups := []int{1, 1, 1, 2, 3}[r.IntN(5)]
		p := &spec.Conv2D{
			N: 1 + r.IntN(4), C: groups * (1 + r.IntN(14)), H: 1 + r.IntN(12), W: 1 + r.IntN(20),
			OutC: groups * (1 + r.IntN(40)), KH: 1 + r.IntN(4), KW: 1 + r.IntN(4),
			StrideH: r.IntN(4), StrideW: r.IntN(4), PadH: r.IntN(4), PadW: r.IntN(4),
			DilH: r.IntN(3), DilW: r.IntN(3), Groups: groups,
		}
		if p.Validate() == nil {
			return p
		}
	}
}

// requireSum holds got against sums of so many terms, and the sums of the terms' sizes: no
// order of summation may be off by more than terms·ε·size.
func requireSum[T Float](t *testing.T, p *spec.Conv2D, what string, want, size []float64, got []T, terms int) {
	t.Helper()
	require.Len(t, got, len(want))
	for i, v := range got {
		require.InDelta(t, want[i], float64(v), float64(terms+2)*eps[T]()*size[i], "%s[%d] of %+v", what, i, *p)
	}
}

// convSums are the results of the loops.
type convSums struct{ y, dx, dw, db []float64 }

func loopSums[T Float](p *spec.Conv2D, x, w, dy, bias []T, abs bool) convSums {
	s := convSums{make([]float64, len(dy)), make([]float64, len(x)), make([]float64, len(w)), make([]float64, len(bias))}
	convForwardLoop(p, wide(x, abs), wide(w, abs), wide(bias, abs), s.y, false)
	convGradInputLoop(p, wide(dy, abs), wide(w, abs), s.dx)
	convGradWeightLoop(p, wide(x, abs), wide(dy, abs), s.dw, s.db)
	return s
}

func checkConv[T Float](t *testing.T, r *rand.Rand, p *spec.Conv2D, ws *Workspace[T]) {
	t.Helper()
	cg := p.C / max(1, p.Groups)
	plane := p.OutH() * p.OutW()
	x, w := randomSlice[T](r, p.N*p.C*p.H*p.W), randomSlice[T](r, p.OutC*cg*p.KH*p.KW)
	dy, bias := randomSlice[T](r, p.N*p.OutC*plane), randomSlice[T](r, p.OutC)
	want, size := loopSums(p, x, w, dy, bias, false), loopSums(p, x, w, dy, bias, true)
	taps := cg * p.KH * p.KW
	nan := T(math.NaN())
	out := func(n int) []T { // every entry must be written
		s := make([]T, n)
		for i := range s {
			s[i] = nan
		}
		return s
	}
	got := out(len(dy))
	ConvForward(p, x, w, bias, got, false, ws)
	requireSum(t, p, "y", want.y, size.y, got, taps+1)
	cut := out(len(dy))
	ConvForward(p, x, w, bias, cut, true, ws)
	for i, v := range got {
		require.Equal(t, max(v, 0), cut[i], "ReLU of y[%d] of %+v", i, *p)
	}
	scale := randomSlice[T](r, p.OutC)
	got = out(len(dy))
	ConvScaled(p, x, w, nil, scale, bias, got, false, ws)
	scaled, scaledSize := make([]float64, len(dy)), make([]float64, len(dy))
	for i := range scaled {
		c := i / plane % p.OutC
		b := float64(bias[c])
		scaled[i] = (want.y[i]-b)*float64(scale[c]) + b
		scaledSize[i] = (size.y[i]-math.Abs(b))*math.Abs(float64(scale[c])) + math.Abs(b)
	}
	requireSum(t, p, "scaled y", scaled, scaledSize, got, taps+2)
	got = out(len(x))
	ConvGradInput(p, dy, w, got, ws)
	requireSum(t, p, "dx", want.dx, size.dx, got, p.OutC*p.KH*p.KW)
	got, gotBias := out(len(w)), out(p.OutC)
	ConvGradWeight(p, x, dy, got, gotBias, ws)
	requireSum(t, p, "dw", want.dw, size.dw, got, p.N*plane)
	requireSum(t, p, "db", want.db, size.db, gotBias, p.N*plane)
}

func TestConvAgreesWithTheSum(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		withThreads(t, 2)
		r := rand.New(rand.NewPCG(11, 12))
		var ws32 Workspace[float32]
		var ws64 Workspace[float64]
		for range 24 {
			checkConv(t, r, randomConv(r), &ws32)
			checkConv(t, r, randomConv(r), &ws64)
		}
	})
}

// Shapes of the nets, small in number of images.
var convShapes = []struct {
	name string
	spec.Conv2D
}{
	{"cnn1", spec.Conv2D{N: 3, C: 1, H: 28, W: 28, OutC: 32, KH: 3, KW: 3, PadH: 1, PadW: 1}},
	{"cnn2", spec.Conv2D{N: 2, C: 32, H: 14, W: 14, OutC: 40, KH: 3, KW: 3, PadH: 1, PadW: 1}},
	{"cnn3", spec.Conv2D{N: 7, C: 64, H: 7, W: 7, OutC: 30, KH: 3, KW: 3, PadH: 1, PadW: 1}},
	{"colour", spec.Conv2D{N: 1, C: 3, H: 40, W: 40, OutC: 20, KH: 3, KW: 3, PadH: 1, PadW: 1}},
	{"stem", spec.Conv2D{N: 2, C: 3, H: 22, W: 22, OutC: 24, KH: 7, KW: 7, StrideH: 2, StrideW: 2, PadH: 3, PadW: 3}},
	{"stride2", spec.Conv2D{N: 2, C: 64, H: 8, W: 8, OutC: 40, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1}},
	{"shortcut", spec.Conv2D{N: 2, C: 64, H: 12, W: 12, OutC: 40, KH: 1, KW: 1, StrideH: 2, StrideW: 2}},
	{"pointwise", spec.Conv2D{N: 3, C: 48, H: 9, W: 9, OutC: 20, KH: 1, KW: 1}},
	{"deep", spec.Conv2D{N: 4, C: 160, H: 2, W: 2, OutC: 130, KH: 3, KW: 3, PadH: 1, PadW: 1}},
	{"small", spec.Conv2D{N: 14, C: 40, H: 4, W: 3, OutC: 37, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1}},
	{"smallest", spec.Conv2D{N: 13, C: 17, H: 1, W: 1, OutC: 35, KH: 3, KW: 3, PadH: 1, PadW: 1}},
	{"depthwise", spec.Conv2D{N: 2, C: 40, H: 9, W: 9, OutC: 40, KH: 3, KW: 3, PadH: 1, PadW: 1, Groups: 40}},
	{"dilated", spec.Conv2D{N: 2, C: 17, H: 15, W: 13, OutC: 9, KH: 3, KW: 3, PadH: 2, PadW: 2, DilH: 2, DilW: 2}},
	{"valid", spec.Conv2D{N: 2, C: 5, H: 11, W: 40, OutC: 13, KH: 3, KW: 3}},
	{"skips", spec.Conv2D{N: 2, C: 3, H: 11, W: 10, OutC: 5, KH: 1, KW: 2, StrideH: 3, StrideW: 3}},
	{"one", spec.Conv2D{N: 1, C: 1, H: 1, W: 1, OutC: 1, KH: 1, KW: 1}},
}

func TestConvShapesOfTheNets(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(13, 14))
		for _, s := range convShapes {
			t.Run(s.name, func(t *testing.T) {
				var ws Workspace[float32]
				checkConv(t, r, &s.Conv2D, &ws)
			})
		}
	})
}

func TestWinogradAgreesWithTheSum(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 42))
	var ws Workspace[float32]
	for range 6 {
		p := &spec.Conv2D{N: 2 + r.IntN(3), C: 16 + r.IntN(20), H: 7 + r.IntN(8), W: 7 + r.IntN(34), OutC: 16 + r.IntN(40),
			KH: 3, KW: 3, PadH: r.IntN(3), PadW: r.IntN(3)}
		checkConv(t, r, p, &ws)
	}
}

// The largest error of Winograd's algorithm, relative to the largest result, of the
// convolution and both gradients; and how many times that of the plain way it may be.
const (
	winogradError = 4e-6
	winogradTimes = 8
)

func TestWinogradError(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		if active.simd.tileInput == nil {
			t.Skip("this instruction set has no Winograd transforms")
		}
		r := rand.New(rand.NewPCG(43, 44))
		for _, p := range []*spec.Conv2D{
			{N: 4, C: 64, H: 16, W: 16, OutC: 32, KH: 3, KW: 3, PadH: 1, PadW: 1},
			{N: 6, C: 256, H: 4, W: 4, OutC: 48, KH: 3, KW: 3, PadH: 1, PadW: 1},
			{N: 16, C: 16, H: 14, W: 14, OutC: 32, KH: 3, KW: 3, PadH: 1, PadW: 1},
		} {
			x, w := randomSlice[float32](r, p.N*p.C*p.H*p.W), randomSlice[float32](r, p.OutC*p.C*9)
			dy, bias := randomSlice[float32](r, p.N*p.OutC*p.H*p.W), make([]float32, p.OutC)
			want := loopSums(p, x, w, dy, bias, false)
			errors := func() (worst [3]float64) {
				var ws Workspace[float32]
				y, dx, dw := make([]float32, len(dy)), make([]float32, len(x)), make([]float32, len(w))
				ConvForward(p, x, w, bias, y, false, &ws)
				ConvGradInput(p, dy, w, dx, &ws)
				ConvGradWeight(p, x, dy, dw, nil, &ws)
				for k, got := range [][]float32{y, dx, dw} {
					want, largest := [][]float64{want.y, want.dx, want.dw}[k], 0.0
					for i, v := range got {
						worst[k] = max(worst[k], math.Abs(float64(v)-want[i]))
						largest = max(largest, math.Abs(want[i]))
					}
					worst[k] /= largest
				}
				return worst
			}
			tiles := errors()
			useWinograd = false
			plain := errors()
			useWinograd = true
			t.Logf("largest error, relative to the largest result, of y, dx, dw: Winograd %.2g, plain %.2g", tiles, plain)
			for k := range tiles {
				assert.NotEqual(t, plain[k], tiles[k], "both ways were the same one")
				assert.Less(t, tiles[k], winogradError)
				assert.Less(t, tiles[k], winogradTimes*plain[k])
			}
		}
	})
}

// What comes out for a picture does not depend on the others in its batch, nor on their
// number: an evaluation in other batches gives the same embeddings.
func TestSameForEveryBatch(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(51, 52))
		for _, s := range convShapes {
			p := s.Conv2D
			p.N = 9
			groups := max(1, p.Groups)
			x, w := randomSlice[float32](r, p.N*p.C*p.H*p.W), randomSlice[float32](r, p.OutC*p.C/groups*p.KH*p.KW)
			image, out := p.C*p.H*p.W, p.OutC*p.OutH()*p.OutW()
			y, few := make([]float32, p.N*out), make([]float32, 2*out)
			back, fewBack := make([]float32, p.N*image), make([]float32, 2*image)
			var ws Workspace[float32]
			ConvForward(&p, x, w, nil, y, false, &ws)
			ConvGradInput(&p, y, w, back, &ws)
			p.N = 2
			ConvForward(&p, x[3*image:5*image], w, nil, few, false, &ws)
			require.Equal(t, y[3*out:5*out], few, s.name)
			ConvGradInput(&p, few, w, fewBack, &ws)
			require.Equal(t, back[3*image:5*image], fewBack, s.name)
			p.N = 1
			ConvForward(&p, x[4*image:5*image], w, nil, few[:out], false, &ws)
			require.Equal(t, y[4*out:5*out], few[:out], s.name)
			ConvGradInput(&p, few[:out], w, fewBack[:image], &ws)
			require.Equal(t, back[4*image:5*image], fewBack[:image], s.name)
		}
		const m, n, k = 70, 90, 600
		a, b := randomSlice[float32](r, m*k), randomSlice[float32](r, n*k)
		for _, turn := range []bool{false, true} {
			ldb := n
			if turn {
				ldb = k
			}
			all, few := make([]float32, m*n), make([]float32, 2*n)
			GemmBias(false, turn, m, n, k, a, k, b, ldb, b[:n], true, all, n)
			GemmBias(false, turn, 2, n, k, a[7*k:], k, b, ldb, b[:n], true, few, n)
			require.Equal(t, all[7*n:9*n], few)
			GemmBias(false, turn, 1, n, k, a[8*k:], k, b, ldb, b[:n], true, few[:n], n)
			require.Equal(t, all[8*n:9*n], few[:n])
		}
	})
}

func TestConvSameForEveryNumberOfThreads(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	for _, s := range convShapes {
		p := s.Conv2D
		p.N += 5
		groups := max(1, p.Groups)
		x, w := randomSlice[float32](r, p.N*p.C*p.H*p.W), randomSlice[float32](r, p.OutC*p.C/groups*p.KH*p.KW)
		dy := randomSlice[float32](r, p.N*p.OutC*p.OutH()*p.OutW())
		var first [][]float32
		for _, n := range []int{1, 2, 3, 6} {
			withThreads(t, n)
			var ws Workspace[float32]
			y, dx, dw, db := make([]float32, len(dy)), make([]float32, len(x)), make([]float32, len(w)), make([]float32, p.OutC)
			ConvForward(&p, x, w, nil, y, false, &ws)
			ConvGradInput(&p, dy, w, dx, &ws)
			ConvGradWeight(&p, x, dy, dw, db, &ws)
			if all := [][]float32{y, dx, dw, db}; first == nil {
				first = all
			} else {
				require.Equal(t, first, all, "%s with %d threads", s.name, n)
			}
		}
	}
}

func TestConvAllocatesNothing(t *testing.T) {
	withThreads(t, 2)
	r := rand.New(rand.NewPCG(17, 18))
	for _, s := range convShapes {
		p := s.Conv2D
		groups := max(1, p.Groups)
		x, w := randomSlice[float32](r, p.N*p.C*p.H*p.W), randomSlice[float32](r, p.OutC*p.C/groups*p.KH*p.KW)
		dy := randomSlice[float32](r, p.N*p.OutC*p.OutH()*p.OutW())
		db := make([]float32, p.OutC)
		var ws Workspace[float32]
		step := func() {
			ConvForward(&p, x, w, nil, dy, false, &ws)
			ConvGradInput(&p, dy, w, x, &ws)
			ConvGradWeight(&p, x, dy, w, db, &ws)
		}
		allocs := 1.
		for i := 0; i < 100 && allocs > 0; i++ { // until each worker has had each kind of piece, which on a busy machine may be late
			allocs = testing.AllocsPerRun(5, step)
		}
		assert.Zero(t, allocs, s.name)
	}
}

func FuzzConv(f *testing.F) {
	for i := range uint64(6) {
		f.Add(i)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 1))
		var ws Workspace[float32]
		checkConv(t, r, randomConv(r), &ws)
	})
}
