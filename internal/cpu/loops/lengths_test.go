package loops

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"medusa/internal/spec"
)

// The assembly trusts the shapes, so slices too short for them must not reach it.
func TestShortSlicesAreRefused(t *testing.T) {
	f := func(n int) []float32 { return make([]float32, n) }
	gemm := func(a, b, c, bias int) func() {
		return func() { GemmBias(true, false, 2, 3, 4, f(a), 2, f(b), 5, f(bias), false, f(c), 3) }
	}
	assert.NotPanics(t, gemm(8, 18, 6, 3))
	assert.PanicsWithValue(t, "loops: Gemm: A has 7 elements, want 8", gemm(7, 18, 6, 3))
	assert.PanicsWithValue(t, "loops: Gemm: B has 17 elements, want 18", gemm(8, 17, 6, 3))
	assert.PanicsWithValue(t, "loops: Gemm: C has 5 elements, want 6", gemm(8, 18, 5, 3))
	assert.PanicsWithValue(t, "loops: Gemm: bias has 2 elements, want 3", gemm(8, 18, 6, 2))

	p := &spec.Conv2D{N: 1, C: 2, H: 3, W: 3, OutC: 2, KH: 2, KW: 2}
	var ws Workspace[float32]
	assert.Panics(t, func() { ConvForward(p, f(17), f(16), nil, f(8), false, &ws) })
	assert.Panics(t, func() { ConvGradInput(p, f(8), f(15), f(18), &ws) })
	assert.Panics(t, func() { ConvGradWeight(p, f(18), f(7), f(16), nil, &ws) })
	assert.NotPanics(t, func() { ConvGradWeight(p, f(18), f(8), f(16), f(2), &ws) })
}
