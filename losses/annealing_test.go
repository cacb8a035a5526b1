package losses_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/losses"
	"medusa/losses/losstest"
)

// annealed is λ of a step, counted from 1, as the authors' program has it.
func annealed(a losses.Annealing, step int) float64 {
	return math.Max(a.AnnealFloor, a.Anneal*math.Pow(1+a.AnnealDecay*float64(step), -a.AnnealPower))
}

// psi is ψ of an angle's cosine, by the angle.
func psi(cos float64, m int) float64 {
	theta := math.Acos(cos)
	k := math.Floor(theta * float64(m) / math.Pi)
	return math.Pow(-1, k)*math.Cos(float64(m)*theta) - 2*k
}

// Step after step the losses are their formula with λ, down to the floor, and without annealing what
// they are with a λ of 0.
func TestAnnealing(t *testing.T) {
	x, y := randomBatch(4, 9, 4, 3)
	a := losses.Annealing{Anneal: 30, AnnealDecay: 0.5, AnnealPower: 2, AnnealFloor: 2}
	for name, c := range map[string]struct {
		loss   losses.Trainable
		scale  float64
		margin int
		long   bool // the lengths of the classes' vectors count
	}{
		"sphereface": {over(losses.Default[*losses.SphereFace](), func(l *losses.SphereFace) { l.Classes, l.Scale, l.Annealing, l.On = 4, 2, a, losses.OnEmbedding }), 2, 4, false},
		"large-margin": {over(losses.Default[*losses.LargeMarginSoftmax](), func(l *losses.LargeMarginSoftmax) {
			l.Classes, l.Margin, l.Annealing, l.On = 4, 3, a, losses.OnEmbedding
		}), 1, 3, true},
	} {
		t.Run(name, func(t *testing.T) {
			eval, err := losses.NewEvaluator(c.loss, len(y), 4, tensor.Float64)
			require.NoError(t, err)
			defer eval.Close()
			length := func(v []float64) float64 { return math.Sqrt(dot(v, v)) }
			reached := false
			for step := 1; step <= 8; step++ {
				h := plainly(c.loss, x, y, 4, 1)
				lambda := annealed(a, step)
				reached = reached || lambda == a.AnnealFloor
				f := func() float64 {
					return h.mean(func(i int) float64 {
						sum, own := 0.0, 0.0
						for k, w := range h.w {
							cos := dot(h.x[i], w) / length(h.x[i]) / length(w)
							z := cos
							if k == y[i] {
								z = (lambda*cos + psi(cos, c.margin)) / (1 + lambda)
							}
							z *= c.scale * length(h.x[i])
							if c.long {
								z *= length(w)
							}
							if k == y[i] {
								own = z
							}
							sum += math.Exp(z)
						}
						return math.Log(sum) - own
					})
				}
				got, err := eval.Value(x, y)
				require.NoError(t, err)
				require.InEpsilon(t, f(), got.Loss, 1e-9, "step %d", step)
				require.InDeltaSlice(t, slopesOf(x, f), got.Gradient, 1e-6, "step %d", step)
			}
			require.True(t, reached, "the floor")
		})
	}
}

func TestAnnealingProperties(t *testing.T) {
	fresh := func() losses.Loss {
		return over(losses.Default[*losses.SphereFace](), func(l *losses.SphereFace) { l.Anneal = 100 })
	}
	losstest.Run(t, fresh(), append(byClass, losstest.Stateful("it counts steps", fresh))...)
	refuses(t, map[string]*losses.SphereFace{
		"anneal: -1 is out of range": over(losses.Default[*losses.SphereFace](), func(l *losses.SphereFace) { l.Anneal = -1 }),
	})
	plain := losses.Default[*losses.SphereFace]()
	plain.Classes, plain.Anneal = 4, 0
	x, y := randomBatch(4, 9, 4, 3)
	value(t, plain, x, y)
	require.Nil(t, plain.Params().Lookup("step"), "what is not annealed counts no steps")
}
