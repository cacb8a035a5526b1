package loops

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// corners stand among random numbers.
var corners = []float32{0, float32(math.Copysign(0, -1)), 1, -1, float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)),
	math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, 1e-39, math.MaxFloat32, -math.MaxFloat32, 1.17549435e-38}

func withCorners(r *rand.Rand, n int) []float32 {
	s := randomSlice[float32](r, n)
	for i := range s {
		if r.IntN(8) == 0 {
			s[i] = corners[r.IntN(len(corners))]
		}
	}
	return s
}

// requireSame holds numbers equal to the last bit; NaN equals NaN and 0 equals −0.
func requireSame(t *testing.T, want, got []float32, what string) {
	t.Helper()
	require.Len(t, got, len(want))
	for i, v := range want {
		if v != got[i] && (v == v || got[i] == got[i]) {
			require.Equal(t, v, got[i], "%s: element %d of %d", what, i, len(want))
		}
	}
}

// vectorOps are the functions on slices; each reads the slices, and overwrites some.
var vectorOps = map[string]func(s [4][]float32, k [9]float32){
	"add":           func(s [4][]float32, _ [9]float32) { Add(s[0], s[1], s[2]) },
	"sub":           func(s [4][]float32, _ [9]float32) { Sub(s[0], s[1], s[2]) },
	"mul":           func(s [4][]float32, _ [9]float32) { Mul(s[0], s[1], s[2]) },
	"in place":      func(s [4][]float32, _ [9]float32) { Mul(s[0], s[0], s[0]) },
	"axpy":          func(s [4][]float32, k [9]float32) { Axpy(s[0], k[0], s[1]) },
	"affine":        func(s [4][]float32, k [9]float32) { Affine(s[0], s[1], k[0], k[1]) },
	"relu":          func(s [4][]float32, _ [9]float32) { Relu(s[1], s[0]) },
	"reluGrad":      func(s [4][]float32, _ [9]float32) { ReluGrad(s[1], s[2], s[0]) },
	"addRelu":       func(s [4][]float32, _ [9]float32) { AddRelu(s[1], s[2], s[0]) },
	"normalize":     func(s [4][]float32, k [9]float32) { normalizePlane(s[0], s[1], k[0], k[1], k[2], false) },
	"normalizeRelu": func(s [4][]float32, k [9]float32) { normalizePlane(s[0], s[1], k[0], k[1], k[2], true) },
	"normalizeGrad": func(s [4][]float32, k [9]float32) {
		normalizePlaneGrad(s[0], s[1], s[2], k[0], k[1], k[2], k[3], k[4], false)
	},
	"div":          func(s [4][]float32, _ [9]float32) { Div(s[0], s[1], s[2]) },
	"maxOf":        func(s [4][]float32, _ [9]float32) { MaxOf(s[0], s[1], s[2]) },
	"minOf":        func(s [4][]float32, _ [9]float32) { MinOf(s[0], s[1], s[2]) },
	"greater":      func(s [4][]float32, _ [9]float32) { Greater(s[0], s[1], s[2]) },
	"greaterEqual": func(s [4][]float32, _ [9]float32) { GreaterEqual(s[0], s[1], s[2]) },
	"same":         func(s [4][]float32, _ [9]float32) { Same(s[0], s[1], s[1]) },
	"above":        func(s [4][]float32, k [9]float32) { Above(s[0], s[1], k[0]) },
	"equals":       func(s [4][]float32, k [9]float32) { Equals(s[0], s[1], 1) },
	"clamp":        func(s [4][]float32, k [9]float32) { Clamp(s[0], s[1], min(k[0], k[1]), max(k[0], k[1])) },
	"clampGrad":    func(s [4][]float32, k [9]float32) { ClampGrad(s[0], s[1], s[2], min(k[0], k[1]), max(k[0], k[1])) },
	"sqrt":         func(s [4][]float32, _ [9]float32) { Sqrt(s[0], s[1]) },
	"sqrtGrad":     func(s [4][]float32, _ [9]float32) { SqrtGrad(s[0], s[1], s[2]) },
	"squareGrad":   func(s [4][]float32, _ [9]float32) { SquareGrad(s[0], s[1], s[2]) },
	"sigmoidGrad":  func(s [4][]float32, _ [9]float32) { SigmoidGrad(s[0], s[1], s[2]) },
	"where":        func(s [4][]float32, k [9]float32) { Where(s[0], s[1], s[2], k[0]) },
	"between":      func(s [4][]float32, k [9]float32) { Between(s[0], s[1], s[2], k[0], min(k[1], k[2]), max(k[1], k[2])) },
	"mulAffine":    func(s [4][]float32, k [9]float32) { MulAffine(s[0], s[1], s[2], k[0], k[1]) },
	"addMulAffine": func(s [4][]float32, k [9]float32) { AddMulAffine(s[0], s[1], s[2], k[0], k[1]) },
	"hingeBetween": func(s [4][]float32, k [9]float32) {
		HingeBetween(s[0], s[1], s[2], k[0], k[1], k[2], min(k[3], k[4]), max(k[3], k[4]))
	},
	"squareBetween": func(s [4][]float32, k [9]float32) {
		SquareBetween(s[0], s[1], s[2], k[0], k[1], k[2], min(k[3], k[4]), max(k[3], k[4]))
	},
	"hinge":     func(s [4][]float32, k [9]float32) { Hinge(s[0], s[1], k[0], k[1]) },
	"hingeGrad": func(s [4][]float32, k [9]float32) { HingeGrad(s[0], s[1], s[2], k[0]) },
	"spanGrad": func(s [4][]float32, k [9]float32) {
		Span{min(k[0], k[1]), max(k[0], k[1])}.AddGrad(s[0], s[1], k[2], k[3])
	},
	"apart": func(s [4][]float32, k [9]float32) {
		Apart(s[0], s[1], s[2], k[0]*k[0], false)
	},
	"apartSquared": func(s [4][]float32, k [9]float32) { Apart(s[0], s[1], s[2], k[0]*k[0], true) },
	"pull":         func(s [4][]float32, k [9]float32) { Pull(s[0], s[3], s[1], s[1], s[2], s[2], k[0], false) },
	"pullSquared":  func(s [4][]float32, k [9]float32) { Pull(s[0], s[3], s[1], s[2], s[2], s[1], k[0], true) },
	"sgd":          func(s [4][]float32, k [9]float32) { steps(k).Step(0, len(s[0]), s[0], s[1], nil) },
	"momentum":     func(s [4][]float32, k [9]float32) { steps(k).Step(0, len(s[0]), s[0], s[1], s[2]) },
	"nesterov": func(s [4][]float32, k [9]float32) {
		o := steps(k)
		o.Nesterov = true
		o.Step(0, len(s[0]), s[0], s[1], s[2])
	},
	"adam": func(s [4][]float32, k [9]float32) {
		Adam{LR: 0.01, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Decay: 0.1, Scale: float64(k[0]), Correction: CorrectionAt(0.9, 0.999, 3)}.
			Step(0, len(s[0]), s[0], s[1], s[2], s[3])
	},
	"adamw": func(s [4][]float32, k [9]float32) {
		Adam{LR: 0.01, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Decay: 0.1, Scale: float64(k[0]), Correction: CorrectionAt(0.9, 0.999, 3), Decoupled: true}.
			Step(0, len(s[0]), s[0], s[1], s[2], s[3])
	},
	"rmsprop": func(s [4][]float32, k [9]float32) {
		RMSProp{LR: 0.01, Alpha: 0.99, Eps: 1e-8, Decay: 0.1, Scale: float64(k[0])}.Step(0, len(s[0]), s[0], s[1], s[2], nil)
	},
	"normalizeReluGrad": func(s [4][]float32, k [9]float32) {
		normalizePlaneGrad(s[0], s[1], s[2], k[0], k[1], k[2], k[3], k[4], true)
	},
}

func steps(k [9]float32) SGD {
	return SGD{LR: float64(k[0]), Momentum: float64(k[1]), Decay: float64(k[2]), Scale: float64(k[3])}
}

// Every instruction set gives the bits of the Go loop, at every length and alignment, and
// touches nothing beside.
func TestVectorsAgreeWithTheLoops(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	for name, op := range vectorOps {
		for n := range 70 {
			var want, in [4][]float32
			offset := r.IntN(8)
			for i := range in {
				in[i] = withCorners(r, n+offset+8)
				want[i] = append([]float32(nil), in[i]...)
			}
			var k [9]float32
			for i := range k {
				k[i] = float32(r.NormFloat64())
			}
			part := func(s [4][]float32) (p [4][]float32) {
				for i := range s {
					p[i] = s[i][offset : offset+n]
				}
				return p
			}
			forInstructionSet(t, "generic", func() { op(part(want), k) })
			withEachInstructionSet(t, func(t *testing.T) {
				var got [4][]float32
				for i := range got {
					got[i] = append([]float32(nil), in[i]...)
				}
				op(part(got), k)
				for i := range got {
					requireSame(t, want[i], got[i], fmt.Sprintf("%s, slice %d", name, i))
				}
			})
		}
	}
}

func forInstructionSet(t *testing.T, name string, f func()) {
	old := active
	defer func() { active = old }()
	set, err := choose(name)
	require.NoError(t, err)
	active = set
	f()
}

// ulps is the distance of got from want in units of the last place of float32.
func ulps(want float64, got float32) float64 {
	if want != want && got != got || float32(want) == got {
		return 0
	}
	if math.IsInf(float64(got), 0) || got != got {
		return math.Inf(1)
	}
	_, e := math.Frexp(want)
	return math.Abs(want-float64(got)) / math.Ldexp(1, max(e-24, -149))
}

func TestExpAndItsLikeWithinUlps(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		const n = 1 << 12
		// Every 1021st bit pattern: all exponents, both signs, NaN and infinities.
		gap := uint64(1021)
		if testing.Short() { // where each takes long: under qemu, or the race detector
			gap = 16381
		}
		x, y := make([]float32, n), make([]float32, n)
		for _, f := range []struct {
			name  string
			fast  func(dst, x []float32)
			exact func(float64) float64
			most  float64
		}{
			{"exp", Exp[float32], math.Exp, 2}, {"log", Log[float32], math.Log, 2},
			{"sigmoid", Sigmoid[float32], sigmoid, 3}, {"softplus", Softplus[float32], softplus, 4},
		} {
			worst, at := 0.0, float32(0)
			for bits := uint64(0); bits < 1<<32; {
				for i := range x {
					x[i] = math.Float32frombits(uint32(bits))
					bits += gap
				}
				f.fast(y, x)
				for i, v := range x {
					if d := ulps(f.exact(float64(v)), y[i]); d > worst {
						worst, at = d, v
					}
				}
			}
			assert.LessOrEqual(t, worst, f.most, "%s(%g)", f.name, at)
			t.Logf("%s: at most %.3f ulp, at %g", f.name, worst, at)
			x := append([]float32{88.72283, 88.72284, -87.33655, -103.97, -104.5, -200}, corners...)
			y := make([]float32, len(x))
			f.fast(y, x)
			for i, v := range x {
				assert.LessOrEqual(t, ulps(f.exact(float64(v)), y[i]), f.most, "%s(%g) = %g", f.name, v, y[i])
			}
		}
	})
}

// Sums are exact here, so the order does not matter to the truth; all instruction sets
// give the same bits on random numbers.
func TestSums(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 24))
	for n := range 100 {
		x, y := randomSlice[float32](r, n), randomSlice[float32](r, n)
		sum, dot := 0.0, 0.0
		for i := range x {
			sum += float64(x[i])
			dot += float64(x[i]) * float64(y[i])
		}
		type result struct {
			sum, dot, terms, count, hinge, square, squares float64
			unbounded                                      [3]float64
			pairs                                          [3]lanePair
		}
		compute := func() (s result) {
			s.sum, s.dot = Sum(x), Dot(x, y)
			s.terms, s.count = TermSums(x, y, -0.5, 1.5)
			s.hinge, _ = HingeSums(x, y, -1.5, 0.4, 0.1, 1.5)
			none := float32(math.NaN())
			s.square, s.squares = SquareSums(x, y, -1.5, 0.4, none, 1.5)
			s.unbounded[0], s.unbounded[1] = TermSums(x, y, none, none)
			s.unbounded[2], _ = HingeSums(x, y, -1.5, 0.4, none, none)
			addDeviations(&s.pairs[0], x, 0.3)
			addNormalizeSums(&s.pairs[1], x, y, -0.2)
			addNormalizeReluSums(&s.pairs[2], x, y, 0.1, 1.5, 0.25)
			return s
		}
		var first result
		forInstructionSet(t, "generic", func() { first = compute() })
		require.InDelta(t, sum, first.sum, 1e-12)
		require.InDelta(t, dot, first.dot, 1e-12)
		withEachInstructionSet(t, func(t *testing.T) { require.Equal(t, first, compute()) })

		squares, count, all := 0.0, 0.0, [3]float64{}
		for i, v := range x {
			if y[i] != 0 {
				all[0], all[1], all[2] = all[0]+float64(v), all[1]+1, all[2]+max(-1.5*float64(v)+0.4, 0)
			}
			if h := max(-1.5*float64(v)+0.4, 0); h*h < 1.5 && y[i] != 0 {
				squares, count = squares+h*h, count+1
			}
		}
		require.InDeltaSlice(t, all[:], first.unbounded[:], 1e-5)
		require.InDelta(t, squares, first.square, 1e-5)
		require.Equal(t, count, first.squares)

		d, dd, g, gu := 0.0, 0.0, 0.0, 0.0
		for i, v := range x {
			u := float64(v) - float64(float32(0.3))
			d, dd = d+u, dd+u*u
			if w := v - 0.1; w*1.5+0.25 > 0 {
				g, gu = g+float64(y[i]), gu+float64(y[i])*float64(w)
			}
		}
		require.InDelta(t, d, first.pairs[0][0].total(), 1e-11)
		require.InDelta(t, dd, first.pairs[0][1].total(), 1e-11)
		require.InDelta(t, g, first.pairs[2][0].total(), 1e-11)
		require.InDelta(t, gu, first.pairs[2][1].total(), 1e-11)
	}
	assert.Zero(t, testing.AllocsPerRun(10, func() { Sum(corners) }))
}

func BenchmarkVector(b *testing.B) {
	const n = 1 << 13
	r := rand.New(rand.NewPCG(25, 26))
	var s [4][]float32
	for i := range s {
		s[i] = randomSlice[float32](r, n)
	}
	ops := map[string]struct {
		slices int
		f      func()
	}{
		"add":  {3, func() { Add(s[0], s[1], s[2]) }},
		"axpy": {3, func() { Axpy(s[0], 1e-9, s[1]) }},
		"relu": {2, func() { Relu(s[1], s[0]) }},
		"exp":  {2, func() { Exp(s[0], s[1]) }},
		"log":  {2, func() { Log(s[0], s[1]) }},
		"sum":  {1, func() { Sum(s[1]) }},
		"dot":  {2, func() { Dot(s[1], s[2]) }},
	}
	for name, op := range ops {
		b.Run(name, func(b *testing.B) { bench(b, 4*n*float64(op.slices)/1e9, "GB/s", op.f) })
	}
}
