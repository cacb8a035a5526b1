package graph_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

// A share is what sorting all entries gives, whatever they are, in both types.
func TestShares(t *testing.T) {
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 2))
		rows, cols := 1+rng.IntN(40), 1+rng.IntN(9)
		x, mask := graphtest.Random(rng, rows, cols), graphtest.Mask(rng, 0.6, rows, cols)
		scale := math.Pow(10, float64(rng.IntN(30)-15))
		for i := range x.Values {
			x.Values[i] = float64(float32(x.Values[i] * scale))
			switch rng.IntN(6) {
			case 0:
				x.Values[i] = 0
			case 1:
				x.Values[i] = x.Values[rng.IntN(i+1)]
			case 2:
				x.Values[i] = math.Inf(rng.IntN(3) - 1)
			}
		}
		share := []float64{0.25, 0.5, 1, 1e-9, rng.Float64()}[seed%5]
		var sorted []float64
		for i, v := range x.Values {
			if mask.Values[i] != 0 {
				sorted = append(sorted, v)
			}
		}
		slices.Sort(sorted)
		k := int(math.Ceil(share * float64(len(sorted))))
		for _, largest := range []bool{false, true} {
			want := make([]float64, len(x.Values))
			for i, v := range x.Values {
				in := k > 0 && v <= sorted[k-1]
				if largest {
					in = k > 0 && v >= sorted[len(sorted)-k]
				}
				if mask.Values[i] != 0 && in {
					want[i] = 1
				}
			}
			choose := graph.NearestShare
			if largest {
				choose = graph.FarthestShare
			}
			for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
				got, _, err := graphtest.Eval(dt, func(in []graph.Expr) graph.Expr { return choose(in[1], in[0], share).Scale(1) }, x, mask)
				require.NoError(t, err)
				require.Equal(t, want, got, "seed %d, share %g of %d, largest %t, %v", seed, share, len(sorted), largest, dt)
			}
		}
	}
}

// Of counted entries the share is of each as often as it counts, as if it lay there so many times.
func TestSharesCounted(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 4))
		rows, cols := 1+rng.IntN(40), 1+rng.IntN(9)
		x, counts := graphtest.Random(rng, rows, cols), graphtest.Mask(rng, 0.6, rows, cols)
		var all []float64
		for i := range x.Values {
			x.Values[i] = float64(rng.IntN(20) - 10)
			counts.Values[i] *= float64(1 + rng.IntN(30))
			for range int(counts.Values[i]) {
				all = append(all, x.Values[i])
			}
		}
		slices.Sort(all)
		share := []float64{0.25, 0.5, 1, 1e-9, rng.Float64()}[seed%5]
		k := int(math.Ceil(share * float64(len(all))))
		for _, largest := range []bool{false, true} {
			want := make([]float64, len(x.Values))
			for i, v := range x.Values {
				in := k > 0 && v <= all[k-1]
				if largest {
					in = k > 0 && v >= all[len(all)-k]
				}
				if counts.Values[i] != 0 && in {
					want[i] = 1
				}
			}
			choose := graph.NearestShareCounted
			if largest {
				choose = graph.FarthestShareCounted
			}
			for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
				got, _, err := graphtest.Eval(dt, func(in []graph.Expr) graph.Expr { return choose(in[1], in[0], share).Above(0) }, x, counts)
				require.NoError(t, err)
				require.Equal(t, want, got, "seed %d, share %g of %d, largest %t, %v", seed, share, len(all), largest, dt)
			}
		}
	}
}

// A number that is none is chosen, so that it is not passed over.
func TestSharesChooseNaN(t *testing.T) {
	got, _, err := graphtest.Eval(tensor.Float32, func(in []graph.Expr) graph.Expr { return graph.NearestShare(in[1], in[0], 0.5).Scale(1) },
		graphtest.Of([]float64{3, math.NaN(), 1, 2, 4, 0}, 2, 3), graphtest.Data([]float64{1, 1, 1, 1, 1, 0}, 2, 3))
	require.NoError(t, err)
	require.Equal(t, []float64{0, 1, 1, 1, 0, 0}, got)
}

func TestSharesRefuse(t *testing.T) {
	for _, share := range []float64{0, -1, 1.5, math.NaN()} {
		_, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr { return graph.FarthestShare(in[0], in[0], share) }, graphtest.Of(make([]float64, 4), 2, 2))
		require.ErrorContains(t, err, "above 0, at most 1")
	}
}
