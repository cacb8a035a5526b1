package nets_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/nets"
)

// Positions are resampled as PyTorch's interpolate does, whose results testdata/pretrained.py recorded, each seventh.
func TestResampledPositions(t *testing.T) {
	grids := pretrained(t).Grids
	require.Len(t, grids, 10)
	rng := rand.New(rand.NewPCG(1, 1))
	for _, g := range grids {
		const d, side = 2, 37
		values := make([]float32, side*side*d)
		for i, v := range drawnUniform("grid", side*side) {
			values[d*i], values[d*i+1] = float32(v), rng.Float32()
		}
		got := nets.ResampledPositions(values, d, [2]int{side, side}, g.Size, g.Antialias)
		require.Len(t, got, g.Size[0]*g.Size[1]*d)
		for i, want := range g.Values {
			require.InDelta(t, want, got[7*i*d], 1e-5, "%v, antialiased %t, number %d", g.Size, g.Antialias, 7*i)
		}
	}
	same := []float32{1, 2, 3, 4}
	require.InDeltaSlice(t, same, nets.ResampledPositions(same, 1, [2]int{2, 2}, [2]int{2, 2}, false), 1e-6)
}
