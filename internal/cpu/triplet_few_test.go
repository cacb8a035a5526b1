package cpu

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/spec"
)

// A pass for each positive gives what the sorted rows give. The distances are multiples
// of 1/64, so that both compare exactly; the bounds fall on them and between them.
func TestFewPositivesAgreeWithTheSortedRows(t *testing.T) {
	for seed := range uint64(400) {
		checkFewPositives(t, seed)
	}
}

func FuzzFewPositives(f *testing.F) {
	f.Add(uint64(401))
	f.Fuzz(func(t *testing.T, seed uint64) { checkFewPositives(t, seed) })
}

func checkFewPositives(t *testing.T, seed uint64) {
	t.Helper()
	bounds := []float64{math.Inf(-1), -0.25, 0, 0.125, 0.3, 0.5, math.Inf(1)}
	rng := rand.New(rand.NewPCG(seed, 3))
	n, m := 1+rng.IntN(50), 1+rng.IntN(50)
	d, pos, neg, up := make([]float32, n*m), make([]float32, n*m), make([]float32, n*m), make([]float32, n)
	for i := range d {
		d[i] = float32(rng.IntN(128)) / 64
		pos[i], neg[i] = float32(btoi(rng.IntN(5) == 0)), float32(btoi(rng.IntN(3) > 0))
	}
	for i := range up {
		up[i] = float32(rng.NormFloat64())
	}
	if seed%20 == 0 {
		d[rng.IntN(n*m)] = float32(math.NaN())
	}
	low, high := rng.IntN(len(bounds)), rng.IntN(len(bounds))
	s := spec.Triplets{N: n, M: m, Margin: bounds[1+rng.IntN(5)], Above: bounds[min(low, high)], AtMost: bounds[max(low, high)],
		Low: []float64{-1, 0, 0.125, 0.2}[rng.IntN(4)], High: []float64{math.Inf(1), 0.5, 0.7}[rng.IntN(3)]}
	got, want := tripletOutputs(n), tripletOutputs(n)
	in := [][]float32{d, pos, neg}
	sorted := triplets[float32](s)
	sorted(want, in)
	fewPositives(s, sorted)(got, in)
	for k := range want {
		requireClose(t, want[k], got[k], 1e-6, "seed %d: output %d of %+v", seed, k, s)
	}

	gradOf := tripletsGrad[float32](spec.TripletsGrad(s))
	gotGrad, wantGrad := make([]float32, n*m), make([]float32, n*m)
	in = append(in, up)
	gradOf([][]float32{wantGrad}, in)
	fewPositivesGrad(spec.TripletsGrad(s), gradOf)([][]float32{gotGrad}, in)
	requireClose(t, wantGrad, gotGrad, 1e-6, "seed %d: gradient of %+v", seed, s)
}

func requireClose(t *testing.T, want, got []float32, relative float64, what string, args ...any) {
	t.Helper()
	for i, v := range want {
		if v != v && got[i] != got[i] {
			continue
		}
		require.InDelta(t, v, got[i], relative*(1+math.Abs(float64(v))), append([]any{what + ", element %d"}, append(args, i)...)...)
	}
}

// tripletOutputs is memory for the outputs of triplets of n anchors.
func tripletOutputs(n int) (out [][]float32) {
	for range spec.TripletOutputs {
		out = append(out, make([]float32, n))
	}
	return out
}
