package loops

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/spec"
)

func TestConvByHand(t *testing.T) {
	// A 3×3 picture, a 2×2 window, stride 1, no padding; sums written out by hand.
	p := &spec.Conv2D{N: 1, C: 1, H: 3, W: 3, OutC: 1, KH: 2, KW: 2}
	require.NoError(t, p.Validate())
	x := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}
	w := []float64{1, 0, -1, 2}
	y := make([]float64, 4)
	var ws Workspace[float64]
	ConvForward(p, x, w, []float64{0.5}, y, false, &ws)
	assert.Equal(t, []float64{1 - 4 + 10 + .5, 2 - 5 + 12 + .5, 4 - 7 + 16 + .5, 5 - 8 + 18 + .5}, y)
	ConvForward(p, x, w, []float64{-10}, y, true, &ws)
	assert.Equal(t, []float64{0, 0, 3, 5}, y)

	dy := []float64{1, 10, 100, 1000}
	dx, dw, db := make([]float64, 9), make([]float64, 4), make([]float64, 1)
	ConvGradInput(p, dy, w, dx, &ws)
	assert.Equal(t, []float64{1, 10, 0, -1 + 100, 2 - 10 + 1000, 20, -100, 200 - 1000, 2000}, dx)
	ConvGradWeight(p, x, dy, dw, db, &ws)
	assert.Equal(t, []float64{5421, 6532, 8754, 9865}, dw)
	assert.Equal(t, []float64{1111}, db)
}

func randomSlice[T Float](r *rand.Rand, n int) []T {
	s := make([]T, n)
	for i := range s {
		s[i] = T(r.NormFloat64())
	}
	return s
}
