package graph_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

var nan = math.NaN()

// unaryOps are the functions of one expression with their meaning; in maps a normal
// number to where the function is smooth.
var unaryOps = []struct {
	name  string
	apply func(graph.Expr) graph.Expr
	value func(float64) float64
	in    func(float64) float64
}{
	{"scale", func(e graph.Expr) graph.Expr { return e.Scale(-2.5) }, func(x float64) float64 { return -2.5 * x }, nil},
	{"plus", func(e graph.Expr) graph.Expr { return e.Plus(3) }, func(x float64) float64 { return x + 3 }, nil},
	{"neg", graph.Expr.Neg, func(x float64) float64 { return -x }, nil},
	{"not", graph.Expr.Not, func(x float64) float64 { return 1 - x }, nil},
	{"relu", graph.Expr.Relu, func(x float64) float64 { return max(x, 0) }, awayFrom(0)},
	{"square", graph.Expr.Square, func(x float64) float64 { return x * x }, nil},
	{"sqrt", graph.Expr.Sqrt, math.Sqrt, positive},
	{"exp", graph.Expr.Exp, math.Exp, nil},
	{"log", graph.Expr.Log, math.Log, positive},
	{"softplus", graph.Expr.Softplus, func(x float64) float64 { return math.Log(1 + math.Exp(x)) }, nil},
	{"sigmoid", graph.Expr.Sigmoid, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, nil},
	{"tanh", graph.Expr.Tanh, math.Tanh, nil},
	{"abs", graph.Expr.Abs, math.Abs, awayFrom(0)},
	{"power", func(e graph.Expr) graph.Expr { return e.Power(2.5) }, func(x float64) float64 { return math.Pow(x, 2.5) }, positive},
	{"clamp", func(e graph.Expr) graph.Expr { return e.Clamp(-0.5, 1) }, func(x float64) float64 { return min(max(x, -0.5), 1) }, awayFrom(-0.5, 1)},
	{"acos", graph.Expr.Acos, math.Acos, func(x float64) float64 { return 0.9 * math.Tanh(x) }},
	{"cos", graph.Expr.Cos, math.Cos, nil},
}

func positive(x float64) float64 { return math.Abs(x) + 0.1 }

// awayFrom keeps x at least 0.01 from the kinks.
func awayFrom(kinks ...float64) func(float64) float64 {
	return func(x float64) float64 {
		for _, k := range kinks {
			if math.Abs(x-k) < 0.01 {
				x = k + 0.02
			}
		}
		return x
	}
}

func unary(f func(graph.Expr) graph.Expr) graphtest.Build {
	return func(in []graph.Expr) graph.Expr { return f(in[0]) }
}

func TestUnary(t *testing.T) {
	for _, op := range unaryOps {
		t.Run(op.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(3, 1))
			for _, s := range [][]int{{1}, {7}, {1, 1}, {3, 1}, {1, 5}, {4, 9}, {2, 3, 2, 2}} {
				x := graphtest.Random(rng, s...)
				want := make([]float64, len(x.Values))
				for i, v := range x.Values {
					if op.in != nil {
						x.Values[i] = op.in(v)
					}
					want[i] = op.value(x.Values[i])
				}
				graphtest.Values(t, want, unary(op.apply), x)
				graphtest.Gradient(t, unary(op.apply), x)
			}
		})
	}
}

// A long vector is cut into pieces that run in parallel.
func TestUnaryLong(t *testing.T) {
	x := graphtest.Random(rand.New(rand.NewPCG(3, 2)), 100_003)
	want := make([]float64, len(x.Values))
	for i, v := range x.Values {
		want[i] = v * v
	}
	graphtest.Values(t, want, unary(graph.Expr.Square), x)
}

// The values and derivatives at kinks, ends and infinities, from the limits.
func TestUnaryCorners(t *testing.T) {
	for _, c := range []struct {
		name           string
		apply          func(graph.Expr) graph.Expr
		x, y, gradient float64
	}{
		{"relu at 0", graph.Expr.Relu, 0, 0, 0},
		{"relu of NaN", graph.Expr.Relu, nan, nan, 1},
		{"sqrt at 0", graph.Expr.Sqrt, 0, 0, 0},
		{"sqrt below 0", graph.Expr.Sqrt, -1e-9, 0, 0},
		{"abs at 0", graph.Expr.Abs, 0, 0, 0},
		{"softplus far below", graph.Expr.Softplus, -1e4, 0, 0},
		{"softplus far above", graph.Expr.Softplus, 1e4, 1e4, 1},
		{"softplus at 0", graph.Expr.Softplus, 0, math.Ln2, 0.5},
		{"sigmoid far below", graph.Expr.Sigmoid, -1e4, 0, 0},
		{"sigmoid far above", graph.Expr.Sigmoid, 1e4, 1, 0},
		{"tanh far above", graph.Expr.Tanh, 1e4, 1, 0},
		{"exp far below", graph.Expr.Exp, -1e4, 0, 0},
		{"exp of −∞", graph.Expr.Exp, -inf, 0, 0},
		{"clamp at its end", func(e graph.Expr) graph.Expr { return e.Clamp(-1, 1) }, 1, 1, 1},
		{"clamp beyond", func(e graph.Expr) graph.Expr { return e.Clamp(-1, 1) }, 1.5, 1, 0},
		{"square at 0", graph.Expr.Square, 0, 0, 0},
		{"power 1 at 0", func(e graph.Expr) graph.Expr { return e.Power(1) }, 0, 0, 1},
		{"power 2 of negative", func(e graph.Expr) graph.Expr { return e.Power(2) }, -3, 9, -6},
		{"power 0 at 0", func(e graph.Expr) graph.Expr { return e.Power(0) }, 0, 1, 0},
		{"power ½ at 0", func(e graph.Expr) graph.Expr { return e.Power(0.5) }, 0, 0, 0},
		{"acos at 1", graph.Expr.Acos, 1, 0, 0},
		{"acos at −1", graph.Expr.Acos, -1, math.Pi, 0},
		{"acos just above 1", graph.Expr.Acos, 1 + 1e-7, 0, 0},
		{"log at 1", graph.Expr.Log, 1, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
				y, grads, err := graphtest.Eval(dt, unary(c.apply), graphtest.Of([]float64{c.x}, 1))
				require.NoError(t, err)
				w := graphtest.Weights(1)[0]
				requireNear(t, c.y, y[0], 1e-6)
				requireNear(t, c.gradient*w, grads[0][0], 1e-6)
			}
		})
	}
}

func requireNear(t *testing.T, want, got, tol float64) {
	t.Helper()
	if math.IsNaN(want) {
		require.True(t, math.IsNaN(got), "got %v, want NaN", got)
		return
	}
	require.InDelta(t, want, got, tol*max(1, math.Abs(want)))
}

var binaryOps = []struct {
	name   string
	apply  func(e, f graph.Expr) graph.Expr
	value  func(x, y float64) float64
	smooth bool
}{
	{"add", graph.Expr.Add, func(x, y float64) float64 { return x + y }, true},
	{"sub", graph.Expr.Sub, func(x, y float64) float64 { return x - y }, true},
	{"mul", graph.Expr.Mul, func(x, y float64) float64 { return x * y }, true},
	{"div", graph.Expr.Div, func(x, y float64) float64 { return x / y }, true},
	{"max", graph.Expr.Max, math.Max, true},
	{"min", graph.Expr.Min, math.Min, true},
	{"greater", graph.Expr.Greater, func(x, y float64) float64 { return truth(x > y) }, false},
	{"at least", graph.Expr.AtLeast, func(x, y float64) float64 { return truth(x >= y) }, false},
	{"equal", graph.Expr.Equal, func(x, y float64) float64 { return truth(x == y) }, false},
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// at is the element of in at an index of the output, by naive index arithmetic.
func at(in graphtest.Input, index []int) float64 {
	k := 0
	for i, n := range in.Shape {
		k *= n
		if n > 1 {
			k += index[i]
		}
	}
	return in.Values[k]
}

// indices calls f with every index of a shape, in row-major order.
func indices(shape []int, f func(index []int)) {
	index := make([]int, len(shape))
	for range tensor.Shape(shape).TotalSize() {
		f(index)
		for i := len(shape) - 1; i >= 0; i-- {
			if index[i]++; index[i] < shape[i] {
				break
			}
			index[i] = 0
		}
	}
}

func TestBinary(t *testing.T) {
	shapes := [][2][]int{
		{{1}, {1}}, {{5}, {5}}, {{1}, {4}}, {{3, 4}, {3, 4}}, {{3, 1}, {3, 4}}, {{3, 4}, {1, 4}}, {{3, 1}, {1, 4}},
		{{1, 1}, {3, 4}}, {{2, 3, 4}, {2, 1, 4}}, {{1, 3, 1}, {2, 1, 4}}, {{2, 3, 2, 2}, {1, 3, 1, 1}}, {{1, 3}, {2, 1}},
	}
	for _, op := range binaryOps {
		t.Run(op.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(4, 1))
			both := func(in []graph.Expr) graph.Expr { return op.apply(in[0], in[1]) }
			for _, s := range shapes {
				x, y := graphtest.Random(rng, s[0]...), graphtest.Random(rng, s[1]...)
				for i, v := range y.Values {
					y.Values[i] = math.Copysign(math.Abs(v)+0.2, v) // for Div
				}
				out := make([]int, len(s[0]))
				for i := range out {
					out[i] = max(s[0][i], s[1][i])
				}
				var want []float64
				indices(out, func(k []int) { want = append(want, op.value(at(x, k), at(y, k))) })
				graphtest.Values(t, want, both, x, y)
				if op.smooth {
					graphtest.Gradient(t, both, x, y)
				}
			}
		})
	}
}

// A scalar is stretched over any shape, from either side.
func TestBinaryScalar(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 2))
	x := graphtest.Random(rng, 3, 2)
	for name, build := range map[string]graphtest.Build{
		"right": func(in []graph.Expr) graph.Expr { return in[0].Mul(in[0].Sum()) },
		"left":  func(in []graph.Expr) graph.Expr { return in[0].Sum().Sub(in[0]) },
		"both":  func(in []graph.Expr) graph.Expr { return in[0].Sum().Mul(in[0].Square().Mean()) },
	} {
		t.Run(name, func(t *testing.T) { graphtest.Gradient(t, build, x) })
	}
}

// One expression on both sides, in every small shape: its gradients are added up.
func TestBinaryOfOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 3))
	for _, s := range [][]int{{1}, {1, 1}, {1, 3}, {3, 1}, {2, 2}} {
		graphtest.Gradient(t, func(in []graph.Expr) graph.Expr {
			return in[0].Mul(in[0]).Add(in[0].Exp()).Sub(in[0])
		}, graphtest.Random(rng, s...))
	}
}

// Where both are equal each gets half of the gradient, so that max(x, x) has that of x.
func TestMaxMinTies(t *testing.T) {
	x := []float64{1, 2, 3}
	w := graphtest.Weights(3)
	for name, f := range map[string]func(e, f graph.Expr) graph.Expr{"max": graph.Expr.Max, "min": graph.Expr.Min} {
		t.Run(name, func(t *testing.T) {
			_, grads, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr { return f(in[0], in[1]) },
				graphtest.Of(x, 3), graphtest.Of(x, 3))
			require.NoError(t, err)
			for i := range x {
				require.Equal(t, w[i]/2, grads[0][i])
				require.Equal(t, w[i]/2, grads[1][i])
			}
		})
	}
}

// What is no number compares as false and is no tie.
func TestCompare(t *testing.T) {
	x := graphtest.Data([]float64{1, 2, nan, inf, -inf}, 5)
	for name, c := range map[string]struct {
		apply func(graph.Expr) graph.Expr
		want  []float64
	}{
		"above 1":   {func(e graph.Expr) graph.Expr { return e.Above(1) }, []float64{0, 1, 0, 1, 0}},
		"is 2":      {func(e graph.Expr) graph.Expr { return e.Is(2) }, []float64{0, 1, 0, 0, 0}},
		"is itself": {func(e graph.Expr) graph.Expr { return e.Equal(e) }, []float64{1, 1, 0, 1, 1}},
	} {
		t.Run(name, func(t *testing.T) { graphtest.Values(t, c.want, unary(c.apply), x) })
	}
}

func TestConstant(t *testing.T) {
	for _, s := range [][]int{{}, {1}, {3}, {2, 2}} {
		graphtest.Values(t, constants(2.5, tensor.Shape(s).TotalSize()), func(in []graph.Expr) graph.Expr {
			c := in[0].Constant(2.5, s...)
			require.True(t, c.IsData())
			return c
		}, graphtest.Of([]float64{nan, inf}, 2)) // whatever the expression holds
	}
}

func constants(v float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = v
	}
	return out
}

func ExampleExpr_Mul() {
	y, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
		return in[0].Mul(in[1]) // (2, 1) and (1, 3) are stretched to (2, 3)
	}, graphtest.Of([]float64{1, 10}, 2, 1), graphtest.Of([]float64{1, 2, 3}, 1, 3))
	fmt.Println(y, err)
	// Output: [1 2 3 10 20 30] <nil>
}
