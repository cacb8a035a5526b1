package gpu_test

import (
	"math/rand/v2"
	"testing"

	"medusa/internal/spec"
)

func TestLayerNorm(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	p := pair{t: t, d: sim(t), rel: 4e-6}
	for _, s := range [][2]int{{1, 2}, {3, 5}, {200, 7}, {100, 300}, {2, 600}} {
		r, c := s[0], s[1]
		x, dy, gamma, beta := random(rng, r*c), random(rng, r*c), random(rng, c), random(rng, c)
		for _, affine := range [][2]bool{{false, false}, {true, false}, {false, true}, {true, true}} {
			l := spec.LayerNorm{Rows: r, Cols: c, Eps: 1e-5, Gamma: affine[0], Beta: affine[1]}
			in, back := [][]float32{x}, [][]float32{x}
			if l.Gamma {
				in, back = append(in, gamma), append(back, gamma)
			}
			if l.Beta {
				in = append(in, beta)
			}
			p.run(l, r*c, in...)
			p.terms(dy).run(spec.LayerNormGrad(l), r*c, append(back, dy)...)
			p.terms(dy).run(spec.LayerNormParamsGrad(l), c, x, dy)
		}
	}
}

func TestSoftmax(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	p := pair{t: t, d: sim(t), rel: 1e-6}
	for _, s := range [][2]int{{1, 1}, {3, 5}, {17, 64}, {4, 300}} {
		r, c := s[0], s[1]
		x, dy := random(rng, r*c), random(rng, r*c)
		y := p.run(spec.Softmax{Rows: r, Cols: c}, r*c, x)
		p.terms(dy).run(spec.SoftmaxGrad{Rows: r, Cols: c}, r*c, y, dy)
	}
}
