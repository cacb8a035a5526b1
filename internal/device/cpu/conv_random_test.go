package cpu

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// randomConv draws a valid geometry with every feature at times.
func randomConv(r *rand.Rand) *Conv2D {
	for {
		groups := []int{1, 1, 1, 2, 3}[r.IntN(5)]
		p := &Conv2D{
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
func requireSum[T Float](t *testing.T, p *Conv2D, what string, want, size []float64, got []T, terms int) {
	t.Helper()
	require.Len(t, got, len(want))
	for i, v := range got {
		require.InDelta(t, want[i], float64(v), float64(terms+2)*eps[T]()*size[i], "%s[%d] of %+v", what, i, *p)
	}
}

// convSums are the results of the loops.
type convSums struct{ y, dx, dw, db []float64 }

func loopSums[T Float](p *Conv2D, x, w, dy, bias []T, abs bool) convSums {
	s := convSums{make([]float64, len(dy)), make([]float64, len(x)), make([]float64, len(w)), make([]float64, len(bias))}
	convForwardLoop(p, wide(x, abs), wide(w, abs), wide(bias, abs), s.y, false)
	convGradInputLoop(p, wide(dy, abs), wide(w, abs), s.dx)
	convGradWeightLoop(p, wide(x, abs), wide(dy, abs), s.dw, s.db)
	return s
}

func checkConv[T Float](t *testing.T, r *rand.Rand, p *Conv2D, ws *Workspace[T]) {
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
	Conv2D
}{
	{"cnn1", Conv2D{N: 3, C: 1, H: 28, W: 28, OutC: 32, KH: 3, KW: 3, PadH: 1, PadW: 1}},
	{"cnn2", Conv2D{N: 2, C: 32, H: 14, W: 14, OutC: 40, KH: 3, KW: 3, PadH: 1, PadW: 1}},
	{"cnn3", Conv2D{N: 7, C: 64, H: 7, W: 7, OutC: 30, KH: 3, KW: 3, PadH: 1, PadW: 1}},
	{"colour", Conv2D{N: 1, C: 3, H: 40, W: 40, OutC: 20, KH: 3, KW: 3, PadH: 1, PadW: 1}},
	{"stem", Conv2D{N: 2, C: 3, H: 22, W: 22, OutC: 24, KH: 7, KW: 7, StrideH: 2, StrideW: 2, PadH: 3, PadW: 3}},
	{"stride2", Conv2D{N: 2, C: 64, H: 8, W: 8, OutC: 40, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1}},
	{"shortcut", Conv2D{N: 2, C: 64, H: 12, W: 12, OutC: 40, KH: 1, KW: 1, StrideH: 2, StrideW: 2}},
	{"pointwise", Conv2D{N: 3, C: 48, H: 9, W: 9, OutC: 20, KH: 1, KW: 1}},
	{"deep", Conv2D{N: 4, C: 160, H: 2, W: 2, OutC: 130, KH: 3, KW: 3, PadH: 1, PadW: 1}},
	{"depthwise", Conv2D{N: 2, C: 40, H: 9, W: 9, OutC: 40, KH: 3, KW: 3, PadH: 1, PadW: 1, Groups: 40}},
	{"dilated", Conv2D{N: 2, C: 17, H: 15, W: 13, OutC: 9, KH: 3, KW: 3, PadH: 2, PadW: 2, DilH: 2, DilW: 2}},
	{"valid", Conv2D{N: 2, C: 5, H: 11, W: 40, OutC: 13, KH: 3, KW: 3}},
	{"skips", Conv2D{N: 2, C: 3, H: 11, W: 10, OutC: 5, KH: 1, KW: 2, StrideH: 3, StrideW: 3}},
	{"one", Conv2D{N: 1, C: 1, H: 1, W: 1, OutC: 1, KH: 1, KW: 1}},
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

// everyWinograd lets Winograd's algorithm have even the smallest shapes that it can do.
func everyWinograd(t *testing.T) {
	old := winogradLeast
	winogradLeast = 0
	t.Cleanup(func() { winogradLeast = old })
}

func TestWinogradAgreesWithTheSum(t *testing.T) {
	everyWinograd(t)
	r := rand.New(rand.NewPCG(41, 42))
	var ws Workspace[float32]
	for range 6 {
		p := &Conv2D{N: 1 + r.IntN(4), C: 16 + r.IntN(20), H: 7 + r.IntN(8), W: 7 + r.IntN(34), OutC: 16 + r.IntN(40),
			KH: 3, KW: 3, PadH: r.IntN(3), PadW: r.IntN(3)}
		checkConv(t, r, p, &ws)
	}
}

// The error of Winograd's algorithm, in units of ε·Σ|products|, stays near that of the
// plain way, whose sums are nine times as long: 2.16 against 2.37 at worst here.
func TestWinogradError(t *testing.T) {
	if active.simd.winogradInput == nil {
		t.Skip("this instruction set has no Winograd transforms")
	}
	r := rand.New(rand.NewPCG(43, 44))
	p := &Conv2D{N: 4, C: 64, H: 16, W: 16, OutC: 32, KH: 3, KW: 3, PadH: 1, PadW: 1}
	x, w := randomSlice[float32](r, p.N*p.C*p.H*p.W), randomSlice[float32](r, p.OutC*p.C*9)
	bias := make([]float32, p.OutC)
	y := make([]float32, p.N*p.OutC*p.H*p.W)
	want, size := make([]float64, len(y)), make([]float64, len(y))
	convForwardLoop(p, wide(x, false), wide(w, false), wide(bias, false), want, false)
	convForwardLoop(p, wide(x, true), wide(w, true), wide(bias, true), size, false)
	worst := func() (e float64) {
		var ws Workspace[float32]
		ConvForward(p, x, w, bias, y, false, &ws)
		for i, v := range y {
			e = max(e, math.Abs(float64(v)-want[i])/(eps[float32]()*size[i]))
		}
		return e
	}
	tiles := worst()
	old := winogradLeast
	winogradLeast = math.MaxInt
	plain := worst()
	winogradLeast = old
	t.Logf("largest error: Winograd %.2f, plain %.2f", tiles, plain)
	assert.NotEqual(t, plain, tiles, "both ways were the same one")
	assert.Less(t, tiles, 2*plain)
	assert.Less(t, tiles, 4.0)
}

func TestConvSameForEveryNumberOfThreads(t *testing.T) {
	everyWinograd(t)
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
	everyWinograd(t)
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
		for range 20 { // until each worker has had each kind of piece
			step()
		}
		assert.Zero(t, testing.AllocsPerRun(5, step), s.name)
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
