package losses

import (
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

func TestContrastiveDifferences(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	x := make([]float64, 8*5)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	y := []int{0, 0, 1, 1, 2, 2, 3, 3}
	v, err := Evaluate(Contrastive{}, x, y, tensor.Float64)
	require.NoError(t, err)
	for i := range x {
		const h = 1e-6
		at := func(d float64) float64 {
			z := append([]float64(nil), x...)
			z[i] += d
			v, err := Evaluate(Contrastive{}, z, y, tensor.Float64)
			require.NoError(t, err)
			return v.Loss
		}
		require.InDelta(t, (at(h)-at(-h))/2/h, v.Gradient[i], 1e-7)
	}
	w, err := Evaluate(Contrastive{}, x, y, tensor.Float32)
	require.NoError(t, err)
	require.InDelta(t, v.Loss, w.Loss, 1e-5)
}
