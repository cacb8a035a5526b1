package loops

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func init() {
	for name, op := range map[string]func(s [4][]float32, k [9]float32){
		"hardSwish":     func(s [4][]float32, _ [9]float32) { HardSwish(s[0], s[1]) },
		"hardSwishGrad": func(s [4][]float32, _ [9]float32) { HardSwishGrad(s[0], s[1], s[2]) },
		"layerNorm": func(s [4][]float32, k [9]float32) {
			(&LayerNorm[float32]{Gamma: s[2], Beta: s[3]}).scaled(s[0], s[1], k[0], k[1])
		},
	} {
		vectorOps[name] = op
	}
}

// The assembly of the activations against their formulas in float64, at lengths with every
// rest: the error is measured by |x|, to which rounding of Φ or σ is an error of its last places.
func TestActivationsAgreeWithTheFormulas(t *testing.T) {
	derivative := func(f func(x float64) float64) func(x, dy float64) float64 {
		return func(x, dy float64) float64 { const h = 1e-4; return dy * (f(x+h) - f(x-h)) / (2 * h) }
	}
	gelu := func(x float64) float64 { return x * normalShare(x) }
	geluTanh := func(x float64) float64 {
		return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	}
	swish := func(x float64) float64 { return x / (1 + math.Exp(-1.702*x)) }
	withEachInstructionSet(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(63, 64))
		for name, c := range map[string]struct {
			f     func(dst, x []float32)
			grad  func(dst, x, dy []float32)
			exact func(x float64) float64
		}{
			"gelu":     {Gelu[float32], GeluGrad[float32], gelu},
			"geluTanh": {GeluTanh[float32], GeluTanhGrad[float32], geluTanh},
			"swish":    {func(dst, x []float32) { Swish(dst, x, 1.702) }, func(dst, x, dy []float32) { SwishGrad(dst, x, dy, 1.702) }, swish},
		} {
			slope := derivative(c.exact)
			for n := range 70 {
				x, dy, y, dx := randomSlice[float32](r, n), randomSlice[float32](r, n), make([]float32, n+1), make([]float32, n+1)
				y[n], dx[n] = 7, 7
				for i := range x {
					x[i] *= 4
				}
				c.f(y[:n], x)
				c.grad(dx[:n], x, dy)
				for i, v := range x {
					v, g := float64(v), float64(dy[i])
					require.InDelta(t, c.exact(v), y[i], 4e-7*math.Abs(v)+1e-12, "%s(%g)", name, v)
					require.InDelta(t, slope(v, g), dx[i], 2e-6*math.Abs(g)*(1+math.Abs(v)), "%s′(%g)·%g", name, v, g)
				}
				require.Equal(t, []float32{7, 7}, []float32{y[n], dx[n]})
			}
			y := make([]float32, 4)
			c.f(y, []float32{0, 200, -200, float32(math.NaN())})
			assert.Equal(t, []float32{0, 200, 0}, y[:3], name)
			assert.True(t, y[3] != y[3], name)
		}
	})
}

// Far below 0, where 1 − Φ would have lost all digits, the result has most of them.
func TestGeluKeepsItsTail(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		x := []float32{-3, -5, -8, -10, -12}
		y := make([]float32, len(x))
		Gelu(y, x)
		for i, v := range x {
			require.InEpsilon(t, float64(v)*normalShare(float64(v)), y[i], 1e-5)
		}
	})
}

// Rows against the formula in float64, far from 0 too; the gradients of parameters add up.
func TestLayerNormAgreesWithTheFormula(t *testing.T) {
	withEachInstructionSet(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(65, 66))
		for n := 1; n < 70; n += 1 + n/8 {
			for _, from := range []float32{0, 1000} {
				x, g, b, dy := randomSlice[float32](r, n), randomSlice[float32](r, n), randomSlice[float32](r, n), randomSlice[float32](r, n)
				for i := range x {
					x[i] += from
				}
				l := LayerNorm[float32]{Cols: n, Eps: 1e-5, Gamma: g, Beta: b}
				wide := LayerNorm[float64]{Cols: n, Eps: 1e-5, Gamma: float64s(g), Beta: float64s(b)}
				y, dx, dg, db := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
				wantY, wantX, wantG, wantB := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
				l.Row(y, x)
				l.GradRow(dx, x, dy)
				l.ParamsGrad(dg, db, x, dy)
				wide.Row(wantY, float64s(x))
				wide.GradRow(wantX, float64s(x), float64s(dy))
				wide.ParamsGrad(wantG, wantB, float64s(x), float64s(dy))
				tol := 1e-5 * (1 + 40*float64(from)/1000) // what rounding of x's mean costs
				if n == 1 {
					tol = 1e-3 // 1/√ε times a rounding
				}
				for i := range n {
					require.InDelta(t, wantY[i], y[i], tol*4, "y, %d columns from %g", n, from)
					require.InDelta(t, wantX[i], dx[i], tol*40, "dx, %d columns from %g", n, from)
					require.InDelta(t, wantG[i], dg[i], tol*4)
					require.InDelta(t, wantB[i], db[i], 1e-6)
				}
			}
		}
	})
}

func float64s(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}
