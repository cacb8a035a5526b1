package graph_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

func TestRowFirst(t *testing.T) {
	graphtest.Values(t, []float64{1, -1, 0}, func(in []graph.Expr) graph.Expr { return graph.RowFirst(in[0]) },
		graphtest.Data([]float64{0, 2, 1, 0, 0, 0, 1, 0, 0}, 3, 3))
	// Of labels, whether few are positive or many, and of what is chosen of them.
	rng := rand.New(rand.NewPCG(7, 1))
	for _, classes := range []int{1, 2, 30} {
		const n = 64
		labels, d := make([]float64, n), graphtest.Random(rng, n, n)
		d.Data = true
		positives, near := make([]float64, n), make([]float64, n)
		for i := range labels {
			labels[i] = float64(rng.IntN(classes))
		}
		for i := range labels {
			positives[i], near[i] = -1, -1
			for j := n - 1; j >= 0; j-- {
				if j != i && labels[i] == labels[j] {
					positives[i] = float64(j)
					if d.Values[i*n+j] <= 0 {
						near[i] = float64(j)
					}
				}
			}
		}
		y := graphtest.Data(labels, n)
		graphtest.Values(t, positives, func(in []graph.Expr) graph.Expr {
			pos, _ := graph.PairMasks(in[0])
			return graph.RowFirst(pos)
		}, y)
		graphtest.Values(t, near, func(in []graph.Expr) graph.Expr {
			pos, _ := graph.PairMasks(in[0])
			zero := in[0].Constant(0, n, 1)
			return graph.RowFirst(graph.Within(pos, in[1], zero.Log(), zero)) // above −∞
		}, y, d)
	}
}

func TestLabelFirst(t *testing.T) {
	graphtest.Values(t, []float64{-1, 0, -1, 3, -1, -1}, func(in []graph.Expr) graph.Expr { return graph.LabelFirst(in[0], in[1]) },
		graphtest.Data([]float64{7, 7, -2, -2, 7, 5}, 6), graphtest.Data([]float64{-1, 0, -1, 3, 4, -1}, 6, 1))
}

func TestLabelRanks(t *testing.T) {
	graphtest.Values(t, []float64{2, 0, 1, 2, 3, 0}, func(in []graph.Expr) graph.Expr { return graph.LabelRanks(in[0]) },
		graphtest.Data([]float64{7, -3, 0, 7, 1000, -3}, 6))
}

func TestFirstsRefuse(t *testing.T) {
	for want, build := range map[string]graphtest.Build{
		"first columns of a mask of shape (4)":         func(in []graph.Expr) graph.Expr { return graph.RowFirst(in[0]) },
		"labels of shape (4) by numbers of shape (4),": func(in []graph.Expr) graph.Expr { return graph.LabelFirst(in[0], in[0]) },
		"labels of shape (2, 2)":                       func(in []graph.Expr) graph.Expr { return graph.LabelRanks(in[0].Reshape(2, 2)) },
	} {
		_, _, err := graphtest.Eval(tensor.Float32, build, graphtest.Data(make([]float64, 4), 4))
		require.ErrorContains(t, err, want)
	}
}
