package graph_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
)

func matrix(g *gorgonia.ExprGraph, name string, n, m int) graph.Expr {
	return graph.Of(gorgonia.NewMatrix(g, tensor.Float64, gorgonia.WithShape(n, m), gorgonia.WithName(name)))
}

func vector(g *gorgonia.ExprGraph, name string, n int) graph.Expr {
	return graph.Of(gorgonia.NewVector(g, tensor.Float64, gorgonia.WithShape(n), gorgonia.WithName(name)))
}

// TestMerging builds many expressions twice over the same inputs. The same expression is
// one node; two different ones, be it by a parameter only, never are.
func TestMerging(t *testing.T) {
	g := gorgonia.NewGraph()
	x, y := matrix(g, "x", 4, 4), matrix(g, "y", 4, 4)
	v := vector(g, "v", 4)
	build := map[string]func() graph.Expr{
		"T": x.T, "sum": x.Sum, "relu": x.Relu, "square": x.Square, "sqrt": x.Sqrt, "exp": x.Exp, "log": x.Log,
		"softplus": x.Softplus, "sigmoid": x.Sigmoid, "tanh": x.Tanh, "abs": x.Abs, "acos": x.Acos, "cos": x.Cos,
		"x+y": func() graph.Expr { return x.Add(y) }, "y+x": func() graph.Expr { return y.Add(x) },
		"x-y": func() graph.Expr { return x.Sub(y) }, "y-x": func() graph.Expr { return y.Sub(x) },
		"xy": func() graph.Expr { return x.Mul(y) }, "x/y": func() graph.Expr { return x.Div(y) },
		"max": func() graph.Expr { return x.Max(y) }, "min": func() graph.Expr { return x.Min(y) },
		">": func() graph.Expr { return x.Greater(y) }, "=": func() graph.Expr { return x.Equal(y) },
		"detached":  func() graph.Expr { return x.Detach().Square() },
		"matmul":    func() graph.Expr { return x.MatMul(y) },
		"matmulT":   func() graph.Expr { return x.MatMulT(y) },
		"sum rows":  func() graph.Expr { return x.SumAxis(0) },
		"sum cols":  func() graph.Expr { return x.SumAxis(1) },
		"reshape":   func() graph.Expr { return x.Reshape(16) },
		"reshape 1": func() graph.Expr { return x.Reshape(16, 1) },
		"reshape 2": func() graph.Expr { return x.Reshape(2, 8) },
		"distance":  func() graph.Expr { return graph.Distances(x) },
		"squared":   func() graph.Expr { return graph.SquaredDistances(x) },
		"between":   func() graph.Expr { return graph.DistancesBetween(x, y) },
		"manhattan": func() graph.Expr { return graph.LpDistances(x, x, 1) },
		"snr":       func() graph.Expr { return graph.SNRDistances(x, x) },
		"normal":    func() graph.Expr { return graph.Normalize(x) },
		"normal 1":  func() graph.Expr { return graph.NormalizeL1(x) },
		"softmax":   func() graph.Expr { return graph.LogSoftmax(x) },
		"gather":    func() graph.Expr { return graph.Gather(x, v) },
		"share":     func() graph.Expr { return x.Softmax(1) }, "share down": func() graph.Expr { return x.Softmax(0) },
		"down": func() graph.Expr { return x.LogSoftmax(0) },
		"gelu": x.GELU, "gelu tanh": x.GELUTanh, "hard swish": x.HardSwish, "hard sigmoid": x.HardSigmoid,
		"prelu":      func() graph.Expr { return x.PReLU(v) },
		"products":   func() graph.Expr { return x.Reshape(2, 2, 4).BatchMatMulT(y.Reshape(2, 2, 4)) },
		"products 1": func() graph.Expr { return x.Reshape(4, 2, 2).BatchMatMul(y.Reshape(4, 2, 2)) },
		"permute 1":  func() graph.Expr { return x.Reshape(2, 2, 4).Permute(1, 0, 2) },
		"permute 2":  func() graph.Expr { return x.Reshape(2, 2, 4).Permute(1, 2, 0) },
		"else":       func() graph.Expr { return graph.WhereElse(x, y, v.Reshape(4, 1)) },
		"else y":     func() graph.Expr { return graph.WhereElse(y, x, v.Reshape(4, 1)) },
		"layer norm": func() graph.Expr { return graph.LayerNorm(x, v, graph.Expr{}, 1e-5) },
		"layer beta": func() graph.Expr { return graph.LayerNorm(x, graph.Expr{}, v, 1e-5) },
		"values 1":   func() graph.Expr { return x.Values([]float64{1, 2, 3, 4}, 2, 2) },
		"values 2":   func() graph.Expr { return x.Values([]float64{1, 2, 3, 4}, 4) },
		"concat":     func() graph.Expr { return graph.Concat(0, x, y) },
		"concat 1":   func() graph.Expr { return graph.Concat(1, x, y) },
		"concat yx":  func() graph.Expr { return graph.Concat(0, y, x) },
		"stretch":    func() graph.Expr { return v.Reshape(4, 1).BroadcastTo(tensor.Shape{4, 4}) },
		"stretch 1":  func() graph.Expr { return v.Reshape(1, 4).BroadcastTo(tensor.Shape{4, 4}) },
	}
	// Parameters that differ in the last place only.
	for _, c := range []float64{0, 1, 0.1, 0.10000000000000002, -0.1, 1e-300} {
		for name, f := range map[string]func() graph.Expr{
			"scale":     func() graph.Expr { return x.Scale(c) },
			"swish":     func() graph.Expr { return x.Swish(c) },
			"values":    func() graph.Expr { return x.Values([]float64{1, c, 3, 4}, 2, 2) },
			"plus":      func() graph.Expr { return x.Plus(c) },
			"power":     func() graph.Expr { return x.Power(c) },
			"clamp lo":  func() graph.Expr { return x.Clamp(c, 2) },
			"clamp hi":  func() graph.Expr { return x.Clamp(-2, c) },
			"above":     func() graph.Expr { return x.Above(c) },
			"is":        func() graph.Expr { return x.Is(c) },
			"constant":  func() graph.Expr { return x.Constant(c, 4, 4) },
			"where":     func() graph.Expr { return graph.Where(y, x, c) },
			"row max":   func() graph.Expr { return graph.RowMax(y, x, c) },
			"row min":   func() graph.Expr { return graph.RowMin(y, x, c) },
			"row lse":   func() graph.Expr { return graph.RowLogSumExp(y, x, c) },
			"smoothing": func() graph.Expr { return graph.CrossEntropy(x, v, max(c, 0)/2) },
		} {
			if !(name == "smoothing" && c < 0) && !(name == "scale" && c == 1) && !(name == "plus" && c == 0) {
				build[fmt.Sprint(name, c)] = f
			}
		}
		for i := range 3 {
			build[fmt.Sprint("slice", i)] = func() graph.Expr { return x.Slice(0, i, i+1) }
			build[fmt.Sprint("slice columns", i)] = func() graph.Expr { return x.Slice(1, i, i+1) }
		}
	}
	seen := map[*gorgonia.Node]string{}
	for name, f := range build {
		n, err := f().Node()
		require.NoError(t, err, name)
		again, err := f().Node()
		require.NoError(t, err, name)
		require.Same(t, n, again, name)
		require.Empty(t, seen[n], "%s is merged with %s", name, seen[n])
		seen[n] = name
	}
}

// Gorgonia finds equal nodes by a hash of 32 bits and does not compare their inputs. The
// squares of these two multiples of a vector x have one hash (found by trying 150,000).
func TestHashCollision(t *testing.T) {
	g := gorgonia.NewGraph()
	x := vector(g, "x", 2)
	a, err := x.Scale(77176).Square().Node()
	require.NoError(t, err)
	b, err := x.Scale(109422).Square().Node()
	require.NoError(t, err)
	require.NotSame(t, a, b)
}
