package optim

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// normals are n draws, of float32.
func normals(rng *rand.Rand, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = float64(float32(rng.NormFloat64()))
	}
	return out
}

// Lion as the paper's algorithm 2 prints it.
func TestLionAgainstThePaper(t *testing.T) {
	for name, c := range map[string]Config{
		"published":        {Name: "lion", LR: 0.01},
		"decay":            {Name: "lion", LR: 0.02, Beta1: 0.8, Beta2: 0.95, WeightDecay: 0.3, DecayAll: true},
		"no mean, all now": func() Config { c := Default("lion"); c.LR, c.Beta1 = 0.01, 0; return c }(),
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(8, 9))
			const n, steps = 40, 30
			w := normals(rng, n)
			var grads [][]float64
			for range steps {
				grads = append(grads, normals(rng, n))
			}
			got := drive(t, c, w, []int{n}, grads)
			c = c.Defaults()
			m := make([]float64, n)
			for s, g := range grads {
				for i := range w {
					update := c.Beta1*m[i] + (1-c.Beta1)*g[i]
					w[i] -= c.LR * (math.Copysign(1, update) + c.WeightDecay*w[i])
					m[i] = c.Beta2*m[i] + (1-c.Beta2)*g[i]
					// No mean comes so near to 0 here that float32 takes its sign otherwise.
					require.InDelta(t, w[i], got[s][i], 5e-6, "step %d", s+1)
				}
			}
		})
	}
	w := drive(t, Config{Name: "lion", LR: 0.5}, []float64{1}, []int{1}, [][]float64{{0}})
	require.Equal(t, 1.0, w[0][0], "the sign of 0 is 0")
	require.Zero(t, func() Config { c := Default("lion"); c.Beta1 = 0; return c }().Defaults().Beta1, "a 0 that was written is one")
}
