package graph_test

import (
	"math/rand/v2"
	"testing"

	"medusa/graph"
	"medusa/internal/graphtest"
)

func TestMatMul(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 3))
	for _, s := range [][3]int{{1, 1, 1}, {1, 5, 1}, {2, 1, 3}, {3, 4, 5}, {7, 13, 6}} {
		m, k, n := s[0], s[1], s[2]
		a, b := graphtest.Random(rng, m, k), graphtest.Random(rng, k, n)
		bT := graphtest.Of(make([]float64, k*n), n, k)
		want := make([]float64, m*n)
		for j := range n {
			for p := range k {
				bT.Values[j*k+p] = b.Values[p*n+j]
				for i := range m {
					want[i*n+j] += a.Values[i*k+p] * b.Values[p*n+j]
				}
			}
		}
		plain := func(in []graph.Expr) graph.Expr { return in[0].MatMul(in[1]) }
		transposed := func(in []graph.Expr) graph.Expr { return in[0].MatMulT(in[1]) }
		graphtest.Values(t, want, plain, a, b)
		graphtest.Values(t, want, transposed, a, bT)
		graphtest.Gradient(t, plain, a, b)
		graphtest.Gradient(t, transposed, a, bT)
	}
	graphtest.Gradient(t, func(in []graph.Expr) graph.Expr { return in[0].MatMulT(in[0]) }, graphtest.Random(rng, 4, 3))
}
