package graph_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

func TestSoftRanks(t *testing.T) {
	d := []float64{0, 1, 2, 5, 1, 1}
	of, over := []float64{0, 1, 1, 1, 1, 0}, []float64{1, 1, 1, 0, 1, 1}
	at := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
		got, _, err := graphtest.Eval(dt, func(in []graph.Expr) graph.Expr { return graph.SoftRanks(in[0], in[1], in[2], 0.5) },
			graphtest.Of(d, 2, 3), graphtest.Data(of, 2, 3), graphtest.Data(over, 2, 3))
		require.NoError(t, err)
		require.InDeltaSlice(t, []float64{0, at(2) + at(-2), at(4) + at(2), at(8) + at(8), 0.5, 0}, got, 1e-6)
	}
}

// At a low temperature they are the ranks.
func TestSoftRanksAreRanks(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	const n, m = 5, 40
	d, of, over := graphtest.Random(rng, n, m), graphtest.Mask(rng, 0.3, n, m), graphtest.Mask(rng, 0.6, n, m)
	want := make([]float64, n*m)
	for a := range n {
		for i := range m {
			for j := range m {
				if j != i && of.Values[a*m+i]*over.Values[a*m+j] == 1 && d.Values[a*m+j] < d.Values[a*m+i] {
					want[a*m+i]++
				}
			}
		}
	}
	got, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr { return graph.SoftRanks(in[0], in[1], in[2], 1e-9) }, d, of, over)
	require.NoError(t, err)
	require.InDeltaSlice(t, want, got, 1e-9)
}

func TestSoftRanksDifferences(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 2))
	labels := graphtest.Data([]float64{0, 1, 0, 2, 1, 0, 2}, 7)
	for name, build := range map[string]graphtest.Build{
		"positives among negatives": func(in []graph.Expr) graph.Expr {
			pos, neg := graph.PairMasks(in[1])
			return graph.SoftRanks(in[0], pos, neg, 0.7)
		},
		"positives among positives": func(in []graph.Expr) graph.Expr {
			pos, _ := graph.PairMasks(in[1])
			return graph.SoftRanks(in[0], pos, pos, 0.7)
		},
	} {
		t.Run(name, func(t *testing.T) { graphtest.Gradient(t, build, graphtest.Random(rng, 7, 7), labels) })
	}
	t.Run("in memory", func(t *testing.T) {
		graphtest.Gradient(t, func(in []graph.Expr) graph.Expr { return graph.SoftRanks(in[0], in[1], in[2], 0.4) },
			graphtest.Random(rng, 4, 6), graphtest.Mask(rng, 0.5, 4, 6), graphtest.Mask(rng, 0.6, 4, 6))
	})
}
