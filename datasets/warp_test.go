package datasets

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWarpByHand(t *testing.T) {
	src := []byte{
		1, 2, 3,
		4, 5, 6,
	}
	tests := map[string]struct {
		m    affine
		want []byte
	}{
		"identity":           {identity, src},
		"left–right":         {identity.thenScale(-1, 1, 3, 0), []byte{3, 2, 1, 6, 5, 4}},
		"top–bottom":         {identity.thenScale(1, -1, 0, 2), []byte{4, 5, 6, 1, 2, 3}},
		"half a turn":        {identity.thenScale(-1, -1, 3, 2), []byte{6, 5, 4, 3, 2, 1}},
		"one to the right":   {identity.thenScale(1, 1, 1, 0), []byte{2, 3, 3, 5, 6, 6}},
		"one to the left":    {identity.thenScale(1, 1, -1, 0), []byte{1, 1, 2, 4, 4, 5}},
		"far away":           {identity.thenScale(1, 1, 40, -40), []byte{3, 3, 3, 3, 3, 3}},
		"mirrored and moved": {identity.thenScale(-1, 1, 3, 0).thenScale(1, 1, 1, 1), []byte{6, 6, 5, 6, 6, 5}},
		"half a pixel":       {identity.thenScale(1, 1, 0.5, 0), []byte{2, 3, 3, 5, 6, 6}}, // 1.5, 2.5 round up
		"left half enlarged": {identity.thenScale(0.5, 1, 0, 0), []byte{1, 1, 2, 4, 4, 5}}, // at 0.25, 0.75, 1.25
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dst := make([]byte, 6)
			warp(dst, size{2, 3}, src, size{2, 3}, 1, tt.m)
			require.Equal(t, tt.want, dst)
		})
	}
}

func TestWarpQuarterTurn(t *testing.T) {
	const n = 5
	src, want := make([]byte, n*n), make([]byte, n*n)
	for y := range n {
		for x := range n {
			src[y*n+x] = byte(10*y + x)
			want[y*n+x] = byte(10*x + n - 1 - y) // (x, y) turns to (n−1−y, x)
		}
	}
	dst := make([]byte, n*n)
	warp(dst, size{n, n}, src, size{n, n}, 1, identity.thenRotate(math.Pi/2, n/2., n/2.))
	require.Equal(t, want, dst)
}

// plainWarp is warp's meaning, in float64.
func plainWarp(src []byte, height, width int, m affine) []float64 {
	at := func(x, y int) float64 {
		return float64(src[min(max(y, 0), height-1)*width+min(max(x, 0), width-1)])
	}
	dst := make([]float64, height*width)
	for y := range height {
		for x := range width {
			cx, cy := float64(x)+0.5, float64(y)+0.5
			u, v := m.a*cx+m.b*cy+m.c-0.5, m.d*cx+m.e*cy+m.f-0.5
			x0, y0 := math.Floor(u), math.Floor(v)
			fx, fy := u-x0, v-y0
			i, j := int(x0), int(y0)
			dst[y*width+x] = (1-fy)*((1-fx)*at(i, j)+fx*at(i+1, j)) + fy*((1-fx)*at(i, j+1)+fx*at(i+1, j+1))
		}
	}
	return dst
}

func TestWarpAgreesWithPlainLoop(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		h, w, c := 1+rng.IntN(20), 1+rng.IntN(40), 1+2*rng.IntN(2)
		src, dst := make([]byte, c*h*w), make([]byte, c*h*w)
		for i := range src {
			src[i] = byte(rng.IntN(256))
		}
		m := identity.thenRotate(rng.Float64()*6, float64(w)/2, float64(h)/2).
			thenScale(rng.Float64()*2, rng.Float64()*2, rng.NormFloat64()*5, rng.NormFloat64()*5)
		warp(dst, size{h, w}, src, size{h, w}, c, m)
		for p := range c {
			for i, want := range plainWarp(src[p*h*w:(p+1)*h*w], h, w, m) {
				// Weights of 8 binary places are off by up to 1/512 along each axis,
				// places by up to 40 · 2⁻¹⁷, and the value is rounded.
				require.InDelta(t, want, float64(dst[p*h*w+i]), 0.5+2*255./512+0.2)
			}
		}
	}
}
