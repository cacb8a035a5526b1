package gpu_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"medusa/internal/spec"
)

func TestGroups(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 51))
	p := pair{t: t, d: sim(t), rel: 3e-6}
	for _, s := range [][2]int{{1, 1}, {300, 3}, {7, 10}} {
		x, dy := random(rng, s[0]*s[1]), random(rng, s[0])
		if s[0] == 7 {
			x[3], x[12], x[15] = float32(math.NaN()), float32(math.Inf(1)), x[16]
		}
		largest := spec.GroupMax{Groups: s[0], Size: s[1]}
		p.run(spec.GroupMaxGrad(largest), s[0]*s[1], x, p.run(largest, s[0], x), dy)
		soft := spec.GroupSoftMax{Groups: s[0], Size: s[1], Temperature: 0.2}
		p.run(spec.GroupSoftMaxGrad(soft), s[0]*s[1], x, p.run(soft, s[0], x), dy)
	}
}

func TestFirsts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 52))
	p := pair{t: t, d: sim(t)}
	for _, size := range [][2]int{{1, 1}, {12, 12}, {5, 300}} {
		n, m := size[0], size[1]
		kinds, inputs := masks(rng, n, m)
		for i, k := range kinds {
			p.run(spec.RowFirst{Rows: n, Cols: m, Mask: k}, n, inputs[i]...)
		}
		y, x := labels(rng, n, 4), random(rng, n)
		first := p.run(spec.LabelFirst{N: n}, n, y, x)
		p.run(spec.LabelRank{N: n}, n, y, first)
	}
}

func TestPairedSoftmax(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 53))
	p := pair{t: t, d: sim(t), rel: 3e-6}
	for _, s := range [][3]int{{1, 1, 1}, {9, 5, 4}, {30, 300, 17}} {
		n, m, d := s[0], s[1], s[2]
		x, y, partners, up := random(rng, n*d), random(rng, m*d), make([]float32, n), random(rng, n)
		for i := range partners {
			partners[i] = float32(rng.IntN(m+m/2+1) - m/2 - 1)
			partners[i] = max(partners[i], -1)
		}
		what := spec.PairedSoftmax{N: n, M: m, D: d}
		p.run(what, n, x, y, partners)
		p.terms(up).run(spec.PairedSoftmaxGrad{PairedSoftmax: what}, n*d, x, y, partners, up)
		p.terms(up).run(spec.PairedSoftmaxGrad{PairedSoftmax: what, ToY: true}, m*d, x, y, partners, up)
	}
}
