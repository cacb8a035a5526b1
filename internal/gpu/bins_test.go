package gpu_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"medusa/internal/spec"
)

func TestBins(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 20))
	p := pair{t: t, d: sim(t), rel: 3e-6}
	for _, size := range [][2]int{{3, 3}, {12, 12}, {9, 30}, {5, 260}} {
		n, m := size[0], size[1]
		kinds, inputs := masks(rng, n, m)
		for i, k := range kinds {
			in := append([][]float32{sixtyfourths(rng, n*m)}, inputs[i]...)
			s := spec.RowBins{Rows: n, Cols: m, Bins: 1 + rng.IntN(6), Low: -1, High: 1.5, Mask: k}
			p.run(s, n*s.Bins, in...)
			up := random(rng, n*s.Bins)
			p.run(spec.RowBinsGrad(s), n*m, append(in, up)...)
		}
		if m > 30 {
			continue
		}
		for range 4 {
			i, k := rng.IntN(len(kinds)), rng.IntN(len(kinds))
			in := append(append([][]float32{sixtyfourths(rng, n*m)}, inputs[i]...), inputs[k]...)
			s := spec.TripletBins{N: n, M: m, Bins: 1 + rng.IntN(6), Low: -2, High: 2, Above: math.Inf(-1), AtMost: math.Inf(1), Pos: kinds[i], Neg: kinds[k]}
			if rng.IntN(2) == 0 {
				s.Above, s.AtMost = -0.5, 1
			}
			p.run(s, n*s.Bins, in...)
			up := random(rng, n*s.Bins)
			p.terms(up).run(spec.TripletBinsGrad(s), n*m, append(in, up)...)

			r := spec.SoftRanks{N: n, M: m, Temperature: 0.5, Of: kinds[i], Over: kinds[k]}
			p.run(r, n*m, in...)
			up = random(rng, n*m)
			up[0] = 0
			p.terms(up).run(spec.SoftRanksGrad(r), n*m, append(in, up)...)
		}
	}
	// A mask that counts several times, and a number that is none.
	in := [][]float32{{0.25, float32(math.NaN()), -3, 0.75}, {3, 0, 2, 1}}
	s := spec.RowBins{Rows: 2, Cols: 2, Bins: 2, High: 1}
	p.run(s, 4, in...)
	in[1][1] = 1
	p.run(s, 4, in...)
}
