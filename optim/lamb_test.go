package optim

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// LAMB as the paper's algorithm 2 prints it, over a matrix of several pieces, a vector, which is
// not scaled, and a matrix of zeros, whose length is none to scale to.
func TestLAMBAgainstThePaper(t *testing.T) {
	for _, c := range []Config{{Name: "lamb", LR: 0.01}, {Name: "lamb", LR: 0.02, Beta1: 0.8, Beta2: 0.95, Eps: 1e-3, WeightDecay: 0.3}} {
		rng := rand.New(rand.NewPCG(8, 9))
		const n, steps = pieceSize + 6, 5
		weights := [][]float64{normals(rng, n), normals(rng, 5)}
		in := feed(t, []int{n / 2, 2}, weights...)
		zeros := feed(t, []int{2, 2}, make([]float64, 4))
		zeros.tensors[0].Name = "zeros"
		s, err := New(c, append(in.tensors, zeros.tensors...), Options{})
		require.NoError(t, err)
		c = c.Defaults()
		all := append(in.tensors, zeros.tensors...)
		weights = append(weights, make([]float64, 4))
		m, v := [3][]float64{}, [3][]float64{}
		for i, w := range weights {
			m[i], v[i] = make([]float64, len(w)), make([]float64, len(w))
		}
		for step := 1; step <= steps; step++ {
			grads := [][]float64{normals(rng, n), normals(rng, 5), normals(rng, 4)}
			in.give(t, grads[0], grads[1])
			zeros.give(t, grads[2])
			_, err := s.Step(in.loss, c.LR)
			require.NoError(t, err)
			for i, w := range weights {
				decay := c.WeightDecay
				if i == 1 {
					decay = 0
				}
				u := make([]float64, len(w))
				var length, stride float64
				for k, g := range grads[i] {
					m[i][k] = c.Beta1*m[i][k] + (1-c.Beta1)*g
					v[i][k] = c.Beta2*v[i][k] + (1-c.Beta2)*g*g
					mhat, vhat := m[i][k]/(1-math.Pow(c.Beta1, float64(step))), v[i][k]/(1-math.Pow(c.Beta2, float64(step)))
					u[k] = mhat/(math.Sqrt(vhat)+c.Eps) + decay*w[k]
					length, stride = length+w[k]*w[k], stride+u[k]*u[k]
				}
				ratio := 1.0
				if i != 1 && length > 0 {
					ratio = math.Sqrt(length) / math.Sqrt(stride)
				}
				for k := range w {
					w[k] -= c.LR * ratio * u[k]
				}
				require.InDeltaSlice(t, w, double(all[i].Weights), 1e-5, "step %d, tensor %d", step, i)
			}
		}
	}
}
