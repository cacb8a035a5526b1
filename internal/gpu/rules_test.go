package gpu_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"medusa/internal/spec"
)

// sixtyfourths are distances between which sums and differences are exact, so that both decide alike what
// lies at an edge.
func sixtyfourths(rng *rand.Rand, n int) []float32 {
	x := random(rng, n)
	for i := range x {
		x[i] = float32(math.Round(float64(x[i])*64) / 64)
	}
	return x
}

// Whatever rule says which triplets count, sums and gradients are the CPU's.
func TestTripletRules(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 30))
	p := pair{t: t, d: sim(t), rel: 3e-6}
	for _, size := range [][2]int{{3, 3}, {12, 12}, {9, 30}} {
		n, m := size[0], size[1]
		kinds, inputs := masks(rng, n, m)
		for _, rule := range []spec.TripletRule{
			{Apart: true},
			{Apart: true, Sides: spec.Sides{AP: 1, AN: -0.5, PN: -0.25}, ApartAmong: true},
			{Apart: true, Sides: spec.Sides{AP: 1, AN: -0.5, PN: -0.25}},
			{Sides: spec.Sides{AP: 1, AN: -0.5}},
			{Partners: true},
			{Weighted: true},
			{Apart: true, Sides: spec.Sides{AP: 1, AN: -0.5, PN: -0.25}, ApartAmong: true, Partners: true, Weighted: true},
		} {
			if rule.Sides.PN != 0 && !rule.ApartAmong && n != m {
				continue
			}
			for range 2 {
				i, k := rng.IntN(len(kinds)), rng.IntN(len(kinds))
				s := spec.Triplets{N: n, M: m, Margin: 0.5, Above: math.Inf(-1), AtMost: math.Inf(1), Low: -1, High: math.Inf(1),
					Swap: rng.IntN(2) == 0, Smooth: rng.IntN(2) == 0, Pos: kinds[i], Neg: kinds[k], Rule: rule}
				if rng.IntN(2) == 0 {
					s.Above, s.AtMost = -0.5, 0.75
				}
				in := [][]float32{sixtyfourths(rng, n*m)}
				for _, of := range []int{i, k} {
					mask := inputs[of]
					if rule.Weighted && kinds[of].InMemory() {
						mask = [][]float32{labels(rng, n*m, 4)}
					}
					in = append(in, mask...)
				}
				if s.Among = s.Swap && (n != m || rng.IntN(2) == 0); s.Among {
					in = append(in, sixtyfourths(rng, m*m))
				}
				if rule.Apart {
					in = append(in, sixtyfourths(rng, n*m))
				}
				if rule.ApartAmong {
					in = append(in, sixtyfourths(rng, m*m))
				}
				if rule.Partners {
					partners := labels(rng, n*m, m+1)
					for i := range partners {
						partners[i]--
					}
					in = append(in, partners)
				}
				p.run(s, n, in...)
				up := random(rng, n)
				up[0] = 0
				in = append(in, up)
				p.terms(up).run(spec.TripletsGrad(s), n*m, in...)
				if s.Among {
					p.terms(up).run(spec.TripletsAmongGrad(s), m*m, in...)
				}
			}
		}
	}
}

func TestShareBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 31))
	p := pair{t: t, d: sim(t)}
	for _, size := range [][2]int{{1, 1}, {3, 3}, {12, 12}, {9, 130}} {
		n, m := size[0], size[1]
		kinds, inputs := masks(rng, n, m)
		for i, k := range kinds {
			x := random(rng, n*m)
			for j := range x {
				switch rng.IntN(8) {
				case 0:
					x[j] = float32(math.Inf(rng.IntN(3) - 1))
				case 1:
					x[j] = 0
				case 2:
					x[j] = float32(math.NaN())
				}
			}
			for _, largest := range []bool{false, true} {
				s := spec.ShareBound{Rows: n, Cols: m, Share: []float64{0.25, 1, 1e-9, rng.Float64()}[rng.IntN(4)], Largest: largest, Mask: k}
				p.run(s, n, append([][]float32{x}, inputs[i]...)...)
			}
		}
		counts := make([]float32, n*m)
		for j := range counts {
			counts[j] = float32(rng.IntN(5) * (1 + 1e6*rng.IntN(2)))
		}
		s := spec.ShareBound{Rows: n, Cols: m, Share: 0.3, Largest: n == 3, Counted: true}
		p.run(s, n, random(rng, n*m), counts)
	}
	p.run(spec.ShareBound{Rows: 2, Cols: 2, Share: 0.5}, 2, []float32{1, 2, 3, 4}, make([]float32, 4))
}

// What is drawn is the CPU's to the bit.
func TestDrawnPartners(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 32))
	p := pair{t: t, d: sim(t)}
	for _, size := range [][2]int{{3, 3}, {12, 12}, {5, 700}} {
		n, m := size[0], size[1]
		kinds, inputs := masks(rng, n, m)
		for i, k := range kinds {
			weights := positive(random(rng, n*m))
			clear(weights[:m])
			s := spec.DrawnPartners{Rows: n, Cols: m, Stream: 7, Mask: k}
			p.run(s, n*m, append([][]float32{{77, 5, 3, 1}, weights}, inputs[i]...)...)
		}
	}
}

func TestLevelled(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 33))
	p := pair{t: t, d: sim(t)}
	for _, size := range [][2]int{{1, 1}, {12, 12}, {9, 130}} {
		n, m := size[0], size[1]
		kinds, inputs := masks(rng, n, m)
		for i, k := range kinds {
			s := spec.Levelled{Rows: n, Cols: m, Bins: 1 + rng.IntN(40), Each: 1 + rng.IntN(5), Stream: 7, Mask: k}
			p.run(s, n*m, append([][]float32{{77, 5, 3, 1}, sixtyfourths(rng, n*m)}, inputs[i]...)...)
			p.run(s, n*m, append([][]float32{{77, 5, 3, 1}, make([]float32, n*m)}, inputs[i]...)...)
		}
	}
}
