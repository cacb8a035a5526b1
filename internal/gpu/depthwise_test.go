package gpu_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/gpu"
	"medusa/internal/spec"
)

func TestDepthwise(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 5))
	p := pair{t: t, d: own(t, false), rel: 4e-6}
	for _, c := range []spec.Conv2D{
		{N: 2, C: 3, H: 14, W: 14, KH: 7, KW: 7, PadH: 3, PadW: 3},
		{N: 3, C: 5, H: 8, W: 7, KH: 3, KW: 3, PadH: 1, PadW: 1, StrideH: 2, StrideW: 2},
		{N: 2, C: 2, H: 7, W: 8, KH: 2, KW: 2, StrideH: 3, StrideW: 5},
		{N: 2, C: 2, H: 3, W: 2, KH: 2, KW: 1, PadH: 4, PadW: 3},
		{N: 2, C: 2, H: 12, W: 13, KH: 3, KW: 2, PadH: 2, DilH: 2, DilW: 4, StrideH: 2, StrideW: 3},
		{N: 9, C: 2, H: 40, W: 40, KH: 3, KW: 3, PadH: 1, PadW: 1},
		{N: 1, C: 2, H: 1, W: 1, KH: 3, KW: 3, PadH: 1, PadW: 1},
	} {
		c.OutC, c.Groups = c.C, c.C
		nx, nw, ny := c.N*c.C*c.H*c.W, c.C*c.KH*c.KW, c.N*c.C*c.OutH()*c.OutW()
		x, w, dy := random(rng, nx), random(rng, nw), random(rng, ny)
		kern, err := p.d.Kernel(spec.Conv{Conv2D: c})
		require.NoError(t, err)
		require.Equal(t, []string{"depth_forward"}, gpu.Launches(kern))
		p.terms(x).run(spec.Conv{Conv2D: c}, ny, x, w)
		p.terms(x).run(spec.Conv{Conv2D: c, Bias: true, Relu: true}, ny, x, w, random(rng, c.C))
		p.terms(dy).run(spec.ConvGradInput{Conv2D: c}, nx, dy, w)
		p.terms(dy).run(spec.ConvGradWeight{Conv2D: c}, nw, x, dy)
	}
}

// Products of matrices that follow each other, by tiles in parts too.
func TestBatchMatMul(t *testing.T) {
	eachMode(t, func(t *testing.T, p pair, rng *rand.Rand, _ bool) {
		for i, s := range [][4]int{{1, 3, 4, 5}, {5, 2, 3, 4}, {3, 40, 33, 20}, {2, 130, 5, 70}, {4, 17, 17, 300}} {
			gpu.SetProcessors(p.d, processors[i])
			batch, m, n, k := s[0], s[1], s[2], s[3]
			for how := range 4 {
				s := spec.BatchMatMul{Batch: batch, MatMul: spec.MatMul{TransA: how&1 > 0, TransB: how&2 > 0, M: m, N: n, K: k}}
				p.run(s, batch*m*n, random(rng, batch*m*k), random(rng, batch*k*n))
			}
		}
	})
}
