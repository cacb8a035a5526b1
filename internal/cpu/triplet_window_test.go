package cpu

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/spec"
)

// A few passes for each positive give what visiting each triplet gives. Distances and factors are
// multiples of powers of ½, so that both compare exactly; the bounds fall on them and between them.
func TestWindowsByVectorsAgreeWithEachTriplet(t *testing.T) {
	for seed := range uint64(300) {
		checkWindow(t, seed)
	}
}

func FuzzWindowsByVectors(f *testing.F) {
	f.Add(uint64(301))
	f.Fuzz(func(t *testing.T, seed uint64) { checkWindow(t, seed) })
}

func checkWindow(t *testing.T, seed uint64) {
	t.Helper()
	bounds := []float64{math.Inf(-1), -0.25, 0, 0.125, 0.3, 0.5, math.Inf(1)}
	rng := rand.New(rand.NewPCG(seed, 5))
	n, m := 1+rng.IntN(40), 1+rng.IntN(40)
	among := rng.IntN(2) == 0
	if !among {
		m = n
	}
	distances := func(size int) []float32 {
		d := make([]float32, size)
		for i := range d {
			d[i] = float32(rng.IntN(128)) / 64
		}
		return d
	}
	pos, neg, up := make([]float32, n*m), make([]float32, n*m), make([]float32, n)
	for i := range pos {
		pos[i], neg[i] = float32(btoi(rng.IntN(5) == 0)), float32(btoi(rng.IntN(3) > 0))
	}
	for i := range up {
		up[i] = float32(rng.NormFloat64())
	}
	low, high := rng.IntN(len(bounds)), rng.IntN(len(bounds))
	s := spec.Triplets{N: n, M: m, Margin: bounds[1+rng.IntN(5)], Above: bounds[min(low, high)], AtMost: bounds[max(low, high)],
		Low: []float64{-1, 0, 0.125, 0.2}[rng.IntN(4)], High: []float64{math.Inf(1), 0.5, 0.7}[rng.IntN(3)],
		Rule: spec.TripletRule{Apart: rng.IntN(3) > 0, ApartAmong: among, Sides: spec.Sides{AP: 1, AN: -0.5, PN: -0.25 * float64(rng.IntN(2))}}}
	in := [][]float32{distances(n * m), pos, neg}
	if s.Rule.Apart {
		in = append(in, distances(n*m))
	}
	if among {
		in = append(in, distances(m*m))
	}
	if seed%20 == 0 {
		d := in[[]int{0, len(in) - 1}[rng.IntN(2)]]
		d[rng.IntN(len(d))] = float32(math.NaN())
	}
	require.True(t, vectorWindow(s))
	each := triplets[float32](s)
	got, want := tripletOutputs(n), tripletOutputs(n)
	each(want, in)
	windowTriplets(s, each)(got, in)
	for k := range want {
		requireClose(t, want[k], got[k], 1e-6, "seed %d: output %d of %+v", seed, k, s)
	}

	gradOf := tripletsGrad[float32](spec.TripletsGrad(s))
	gotGrad, wantGrad := make([]float32, n*m), make([]float32, n*m)
	in = append(in, up)
	gradOf([][]float32{wantGrad}, in)
	windowTripletsGrad(spec.TripletsGrad(s), gradOf)([][]float32{gotGrad}, in)
	requireClose(t, wantGrad, gotGrad, 2e-6, "seed %d: gradient of %+v", seed, s)
}

// Vectors are taken where distances are finite; each triplet is visited where one is not, and for rules
// that are more than a window.
func TestWindowsByVectorsAreTaken(t *testing.T) {
	s := spec.Triplets{N: 2, M: 2, Margin: 1, AtMost: math.Inf(1), High: math.Inf(1), Rule: spec.TripletRule{Sides: spec.Sides{AP: 1, AN: -1, PN: -1}}}
	visited := 0
	kernel := windowTriplets(s, func(_, _ [][]float32) { visited++ })
	d := []float32{0, 1, 1, 0}
	in := [][]float32{d, {0, 1, 1, 0}, {1, 0, 0, 1}}
	kernel(tripletOutputs(2), in)
	require.Zero(t, visited)
	d[1] = float32(math.Inf(1))
	kernel(tripletOutputs(2), in)
	require.Equal(t, 1, visited)
	for name, change := range map[string]func(*spec.Triplets){
		"plain": func(s *spec.Triplets) { s.Rule = spec.TripletRule{} }, "swap": func(s *spec.Triplets) { s.Swap = true }, "smooth": func(s *spec.Triplets) { s.Smooth = true },
		"partners": func(s *spec.Triplets) { s.Rule.Partners = true }, "weighted": func(s *spec.Triplets) { s.Rule.Weighted = true },
	} {
		other := s
		change(&other)
		require.False(t, vectorWindow(other), name)
	}
}
