package graph_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

func newGraph() *gorgonia.ExprGraph { return gorgonia.NewGraph() }

func TestBatchMatMul(t *testing.T) {
	rng := rand.New(rand.NewPCG(32, 1))
	for _, c := range []struct {
		batch   []int
		m, n, k int
	}{{[]int{1}, 1, 1, 1}, {[]int{3}, 2, 4, 5}, {[]int{2, 3}, 1, 7, 3}, {[]int{2, 4}, 17, 19, 20}, {nil, 3, 4, 2}} {
		shape := func(a, b int) []int { return append(append([]int{}, c.batch...), a, b) }
		count := tensor.Shape(append([]int{1}, c.batch...)).TotalSize()
		a, b := graphtest.Random(rng, shape(c.m, c.k)...), graphtest.Random(rng, shape(c.k, c.n)...)
		turned := graphtest.Of(nil, shape(c.n, c.k)...)
		var want []float64
		for p := range count {
			x, y := a.Values[p*c.m*c.k:], b.Values[p*c.k*c.n:]
			for i := range c.m {
				for j := range c.n {
					sum := 0.
					for k := range c.k {
						sum += x[i*c.k+k] * y[k*c.n+j]
					}
					want = append(want, sum)
				}
			}
			for j := range c.n {
				for k := range c.k {
					turned.Values = append(turned.Values, y[k*c.n+j])
				}
			}
		}
		plain := func(in []graph.Expr) graph.Expr { return in[0].BatchMatMul(in[1]) }
		transposed := func(in []graph.Expr) graph.Expr { return in[0].BatchMatMulT(in[1]) }
		graphtest.Values(t, want, plain, a, b)
		graphtest.Values(t, want, transposed, a, turned)
		if len(want) < 100 {
			graphtest.Gradient(t, plain, a, b)
			graphtest.Gradient(t, transposed, a, turned)
		}
	}
}

func TestBatchMatMulRefuses(t *testing.T) {
	g := newGraph()
	of := func(shape ...int) graph.Expr {
		return graph.Of(gorgonia.NewTensor(g, tensor.Float32, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName("x")))
	}
	x := of(2, 3, 4)
	require.ErrorContains(t, x.BatchMatMul(of(2, 3, 4)).Err(), "graph: matrix products of (2, 3, 4) and (2, 3, 4): inner sizes 4 and 3 differ")
	require.ErrorContains(t, x.BatchMatMul(of(3, 4, 5)).Err(), "graph: matrix products of shapes (2, 3, 4) and (3, 4, 5), want (…, M, K) and (…, K, N) with equal axes")
	require.ErrorContains(t, x.BatchMatMul(of(4, 5)).Err(), "equal axes before the matrices")
	require.ErrorContains(t, of(4).BatchMatMulT(of(4)).Err(), "want (…, M, K)")
	require.Equal(t, tensor.Shape{2, 3, 3}, x.BatchMatMulT(x).Shape())
}
