package graph

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/internal/spec"
)

func compared(x, labels Expr) (d, pos, neg Expr) {
	pos, neg = PairMasks(labels)
	return Distances(x), pos, neg
}

// costGraph is the graph of a formula of x (N, E) and labels (N), with its gradient.
func costGraph(t *testing.T, n, e int, of func(x, labels Expr) Expr) *gorgonia.ExprGraph {
	g := gorgonia.NewGraph()
	x := gorgonia.NewMatrix(g, tensor.Float32, gorgonia.WithName("x"), gorgonia.WithShape(n, e))
	y := gorgonia.NewVector(g, tensor.Float32, gorgonia.WithName("y"), gorgonia.WithShape(n))
	cost, err := of(Of(x), Data(y)).Node()
	require.NoError(t, err)
	_, err = gorgonia.Grad(cost, x)
	require.NoError(t, err)
	return g
}

// Gorgonia's sums of gradients are ours where an op of ours reads them, and a machine makes none.
func TestGradSums(t *testing.T) {
	g := costGraph(t, 9, 4, func(x, labels Expr) Expr {
		y := x.MatMul(x.T()).Exp()
		return y.Mul(y.Plus(1)).Mul(y.Square()).Sum()
	})
	ours, theirs := 0, 0
	for _, n := range pruned(g).AllNodes() {
		if o, ok := n.Op().(*op); ok && o.addsGrads {
			ours++
		} else if isSum(n) && n.Shape().Dims() == 2 && n.Shape()[1] == 9 {
			theirs++
		}
	}
	require.Positive(t, ours)
	require.Zero(t, theirs)
}

// An op that Gorgonia's read, or that is kept, or is read as a whole, is run by itself.
func TestChainsLeaveOut(t *testing.T) {
	g := costGraph(t, 9, 4, func(x, labels Expr) Expr {
		d, _, neg := compared(x, labels)
		kept := d.Scale(2)
		_, err := Keep(kept.n)
		require.NoError(t, err)
		whole := d.Scale(3) // read by columns
		return RowSum(neg, kept).Sum().Add(whole.SumAxis(0).Sum())
	})
	steps, err := Steps(g)
	require.NoError(t, err)
	require.Less(t, len(Chained(steps)), len(steps))
	left := 0
	for _, s := range Chained(steps) {
		if u, is := s.Spec.(spec.Unary); is && u.F == spec.Affine && (u.A == 2 || u.A == 3) {
			left++
		}
	}
	require.Equal(t, 2, left)
}
