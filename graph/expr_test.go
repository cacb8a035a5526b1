package graph_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

// The first error met is the one that comes out, through every operation.
func TestFirstErrorStays(t *testing.T) {
	g := gorgonia.NewGraph()
	x := matrix(g, "x", 2, 3)
	cause := errors.New("the cause")
	bad := graph.Fail(cause)
	for _, e := range []graph.Expr{
		bad.Square().Sum(), x.Add(bad), bad.Mul(x), graph.Distances(bad), graph.Where(x, bad, 0), graph.Concat(0, x, bad),
		graph.CrossEntropy(x, bad, 0), bad.Constant(1), bad.Detach().T(), graph.Linear(x, x, bad),
	} {
		require.ErrorIs(t, e.Err(), cause)
		require.Nil(t, e.Shape())
		require.Nil(t, e.Graph())
	}
	require.Error(t, graph.Expr{}.Err())
	require.Error(t, graph.Of(nil).Err())
}

// What goes wrong is said with the shapes that came and those that were wanted.
func TestErrorMessages(t *testing.T) {
	g := gorgonia.NewGraph()
	x, y, v := matrix(g, "x", 2, 3), matrix(g, "y", 4, 5), vector(g, "v", 2)
	f32 := graph.Of(gorgonia.NewMatrix(g, tensor.Float32, gorgonia.WithShape(2, 3), gorgonia.WithName("f")))
	for _, c := range []struct {
		e    graph.Expr
		want string
	}{
		{x.Add(y), "graph: (2, 3) + (4, 5): dimension 0 is 2 on the left and 4 on the right, want equal or 1"},
		{x.Add(v), "graph: (2, 3) + (2): shapes of 2 and 1 dimensions do not go together; reshape one"},
		{x.Add(f32), "inputs of type float64 and float32; all must be of one type"},
		{x.MatMul(y), "graph: matrix product of (2, 3) and (4, 5): inner sizes 3 and 4 differ"},
		{graph.DistancesBetween(x, y), "graph: distances between shapes (2, 3) and (4, 5), want (N, E) and (M, E)"},
		{x.Reshape(5), "graph: cannot reshape (2, 3) (6 elements) to (5) (5)"},
		{x.Slice(1, 2, 9), "graph: no part [2, 9) of axis 1 of shape (2, 3)"},
		{graph.Where(x, y, 0), "graph: mask has shape (2, 3), want (4, 5) as the values"},
		{graph.Concat(0, x, y), "graph: join (2, 3) and (4, 5) along axis 0: their sides 1 differ"},
		{graph.CrossEntropy(x, vector(g, "y5", 5), 0), "graph: cross-entropy: labels have shape (5), want (2) for logits (2, 3)"},
		{graph.CrossEntropy(x, v, 1.5), "graph: cross-entropy: label smoothing is 1.5, want 0 to 1"},
		{graph.SNRDistances(matrix(g, "one", 3, 1), matrix(g, "one", 3, 1)), "want at least 2 columns for the metric snr"},
		{x.Softmax(2), "graph: shape (2, 3) has no axis 2"},
		{graph.LayerNorm(x, v, graph.Expr{}, 1e-5), "graph: layer normalisation of shape (2, 3): γ has shape (2), want (3)"},
		{graph.LayerNorm(x, graph.Expr{}, x, 1e-5), "β has shape (2, 3), want (3)"},
		{graph.LayerNorm(x, graph.Expr{}, graph.Expr{}, 0), "graph: layer normalisation: ε is 0, want above 0"},
		{graph.LayerNorm(x.Sum(), graph.Expr{}, graph.Expr{}, 1), "layer normalisation of a scalar"},
		{x.PReLU(v), "graph: PReLU of shape (2, 3): the slope has shape (2), want a number or one for each channel (3)"},
		{graph.WhereElse(x, y, v), "graph: where mask (2, 3), (4, 5), else (2): shapes of 2 and 1 dimensions do not go together"},
		{x.Values([]float64{1, 2, 3}, 2, 2), "graph: 3 values do not fill a tensor of shape (2, 2)"},
		{x.Values([]float64{1, math.NaN()}, 2), "graph: values: number 1 is NaN"},
		{x.Values(nil, 0), "has a side of 0"},
		{f32.Values([]float64{1e300}, 1), "graph: values: number 0 is 1e+300, beyond float32"},
		{x.SumAxis(2), "graph: shape (2, 3) has no axis 2"},
		{graph.Of(gorgonia.NewVector(g, tensor.Int, gorgonia.WithShape(2), gorgonia.WithName("i"))), "elements of type int, want float32 or float64"},
	} {
		require.ErrorContains(t, c.e.Err(), c.want)
	}
}

// No gradient flows through data, and none is built: its gradient cannot be asked for.
func TestDetach(t *testing.T) {
	x := graphtest.Of([]float64{2, 3}, 2)
	_, grads, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr { return in[0].Mul(in[0].Detach()) }, x)
	require.NoError(t, err)
	w := graphtest.Weights(2)
	require.Equal(t, []float64{2 * w[0], 3 * w[1]}, grads[0]) // not 2x: one factor is data
	g := gorgonia.NewGraph()
	e := vector(g, "x", 2).Detach()
	require.True(t, e.IsData())
	require.True(t, e.Square().Sum().IsData())
	require.False(t, e.Add(vector(g, "y", 2)).IsData())
}

// Inputs that are views, as the transpose of a tensor is, are read in their own order.
func TestViews(t *testing.T) {
	d := tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float64{1, 2, 3, 4, 5, 6}))
	require.NoError(t, d.T())
	g := gorgonia.NewGraph()
	x := gorgonia.NewMatrix(g, tensor.Float64, gorgonia.WithShape(3, 2), gorgonia.WithName("x"), gorgonia.WithValue(d))
	n, err := graph.Of(x).Scale(10).Node()
	require.NoError(t, err)
	var v gorgonia.Value
	gorgonia.Read(n, &v)
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	require.NoError(t, vm.RunAll())
	got, err := graph.Numbers(v)
	require.NoError(t, err)
	require.Equal(t, []float64{10, 40, 20, 50, 30, 60}, got)
	same, err := graph.Numbers(d)
	require.NoError(t, err)
	require.Equal(t, []float64{1, 4, 2, 5, 3, 6}, same)
}

func TestGuard(t *testing.T) {
	f := func() (err error) {
		defer graph.Guard("testing", &err)
		panic("no reason")
	}
	require.EqualError(t, f(), "graph: testing: no reason")
}

// A formula reads whole; its first error comes out at Node.
func ExampleExpr() {
	g := gorgonia.NewGraph()
	x := graph.Of(gorgonia.NewMatrix(g, tensor.Float32, gorgonia.WithShape(8, 3), gorgonia.WithName("x")))
	w := graph.Of(gorgonia.NewMatrix(g, tensor.Float32, gorgonia.WithShape(4, 5), gorgonia.WithName("w")))
	_, err := x.MatMul(w).Relu().Mean().Node()
	fmt.Println(err)
	// Output: graph: matrix product of (8, 3) and (4, 5): inner sizes 3 and 4 differ
}
