package gpu_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/gpu"
	"medusa/internal/spec"
)

// pairSums runs sums over the pairs of x and among, and both gradients, some of which are 0.
func (p pair) pairSums(rng *rand.Rand, s spec.PairLogSumExp, x []float32, masks [][]float32, among []float32) {
	p.t.Helper()
	in := slices.Concat([][]float32{x}, masks)
	if !s.Self {
		in = append(in, among)
	}
	p.run(s, s.N*s.M, in...)
	up := random(rng, s.N*s.M)
	in = append(in, up)
	p.terms(up).run(spec.PairLogSumExpGrad(s), s.N*s.M, in...)
	if !s.Self {
		p.terms(up).run(spec.PairLogSumExpAmongGrad(s), s.M*s.M, in...)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestPairLogSumExp(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 34))
	p := pair{t: t, d: sim(t), rel: 3e-6}
	for _, size := range [][2]int{{1, 1}, {3, 3}, {12, 12}, {9, 30}, {2, 260}} { // a row may be longer than a block
		n, m := size[0], size[1]
		kinds, inputs := masks(rng, n, m)
		for i, pos := range kinds {
			if (i+n)%3 != 0 {
				continue // a simulated block takes its time
			}
			k := rng.IntN(len(kinds))
			s := spec.PairLogSumExp{N: n, M: m, Pos: pos, Neg: kinds[k]}
			p.pairSums(rng, s, random(rng, n*m), slices.Concat(inputs[i], inputs[k]), random(rng, m*m))
			if s.Self = n == m; s.Self {
				p.pairSums(rng, s, random(rng, n*m), slices.Concat(inputs[i], inputs[k]), nil)
			}
		}
	}
	require.Greater(t, gpu.Parts(2, 260*260), 1, "blocks share a row")
}

// An anchor's positives, and a positive's anchors, are more than what a block lists at once, and some
// lie behind.
func TestPairLogSumExpOfManyPairs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 35))
	p := pair{t: t, d: sim(t), rel: 3e-6}
	const few, many = 2, 2100
	inputs := func(n, m int) [][]float32 {
		pos, neg := make([]float32, n*m), make([]float32, n*m)
		for i := range pos {
			pos[i] = float32(btoi(i%97 == 0 || i/m > 2047 || i%m > 2047))
			neg[i] = float32((i + i/m) % 2)
		}
		return [][]float32{random(rng, n*m), pos, neg, random(rng, m*m), random(rng, n*m)}
	}
	in := inputs(few, many)
	p.terms(in[4]).run(spec.PairLogSumExpGrad{N: few, M: many}, few*many, in...)
	in = inputs(many, few)
	p.terms(in[4]).run(spec.PairLogSumExpAmongGrad{N: many, M: few}, few*few, in...)
}

// Exponents whose powers are no numbers, in x, among, both, or their sum alone; and what is infinite
// or not a number itself.
func TestPairLogSumExpOfFarExponents(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 36))
	const n, m = 6, 9
	pos, neg := mask(rng, n*m), mask(rng, n*m)
	clear(neg[:m]) // the first row has none
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	d := sim(t)
	for _, c := range []struct {
		x, among float32
		odd      []float32
	}{
		{0, 0, nil}, {-1000, -1000, nil}, {1000, -1000, nil}, {-1000, 1000, nil}, {1000, 1000, nil}, {0, -300, nil},
		{0, 0, []float32{inf}}, {0, 0, []float32{-inf}}, {0, 0, []float32{nan}}, {0, 0, []float32{inf, -inf, nan}},
		{-inf, 0, nil}, {0, -inf, nil}, {inf, 0, nil}, {inf, inf, nil}, {inf, -inf, nil}, {3e38, 3e38, nil}, {-3e38, -3e38, nil},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			p := pair{t: t, d: d, rel: 3e-6}
			x, among := random(rng, n*m), random(rng, m*m)
			for i := range x {
				x[i] = 50*x[i] + c.x
			}
			for i := range among {
				among[i] = 50*among[i] + c.among
			}
			for range 1 + len(c.odd) {
				for _, v := range c.odd {
					x[rng.IntN(n*m)], among[rng.IntN(m*m)] = v, v
				}
				p.pairSums(rng, spec.PairLogSumExp{N: n, M: m}, x, [][]float32{pos, neg}, among)
			}
		})
	}
}
