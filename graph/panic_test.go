package graph_test

import (
	"fmt"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
)

// anyShape makes an axis list of a few bits: ranks 0 to 3, sides −1 to 4 and one huge.
func anyShape(bits uint64) []int {
	s := make([]int, bits%4)
	bits /= 4
	for i := range s {
		if s[i] = int(bits%7) - 1; s[i] == 5 {
			s[i] = 1 << 40
		}
		bits /= 7
	}
	return s
}

// FuzzNoPanic calls every public function of expressions with inputs of any shape and
// type, and arguments of any size: each returns an expression with a shape of positive
// sides, or an error, and never panics.
func FuzzNoPanic(f *testing.F) {
	for i := range uint64(200) {
		f.Add(i*0x9E3779B97F4A7C15, i*0xC2B2AE3D27D4EB4F>>7, i*0x165667B19E3779F9, int64(i%7)-1, 0.3*float64(i%5)-0.1)
	}
	f.Fuzz(func(t *testing.T, a, b, c uint64, k int64, p float64) {
		g := gorgonia.NewGraph()
		x, y, z := anyNode(g, "x", a), anyNode(g, "y", b), anyNode(g, "z", c)
		n := int(k)
		shape := anyShape(b ^ c)
		pos, neg := graph.PairMasks(x)
		for name, e := range map[string]graph.Expr{
			"x": x, "detach": x.Detach(), "pos": pos, "neg": neg,
			"scale": x.Scale(p), "clamp": x.Clamp(p, -p), "power": x.Power(p), "above": x.Above(p), "sqrt": x.Sqrt(),
			"add": x.Add(y), "div": y.Div(x), "max": x.Max(z), "min": x.Min(z), "greater": x.Greater(y), "equal": x.Equal(y),
			"constant": x.Constant(p, shape...), "sum to": x.SumTo(shape), "broadcast": x.BroadcastTo(shape),
			"sum": x.Sum(), "mean": x.Mean(), "sum axis": x.SumAxis(n), "reshape": x.Reshape(shape...), "T": x.T(),
			"flatten": x.Flatten(), "matmul": x.MatMul(y), "matmulT": x.MatMulT(y),
			"same": graph.SameLabel(x, y), "identity": graph.Identity(x, n), "sum over": graph.SumOver(x, y),
			"mean over": graph.MeanOver(x, y), "row sum": graph.RowSum(x, y), "row mean": graph.RowMean(x, y),
			"row max": graph.RowMax(x, y, p), "row min": graph.RowMin(x, y, p), "lse": graph.RowLogSumExp(x, y, p),
			"where": graph.Where(x, y, p), "normalize": graph.Normalize(x), "l1": graph.NormalizeL1(x),
			"distances": graph.Distances(x), "squared": graph.SquaredDistances(x), "between": graph.DistancesBetween(x, y),
			"products": graph.DotProducts(x, y), "snr": graph.SNRDistances(x, x), "lp": graph.LpDistances(x, y, p), "norm": graph.NormalizeLp(x, p), "log-softmax": graph.LogSoftmax(x),
			"group max": graph.GroupMax(x, n), "group soft max": graph.GroupSoftMax(x, n, p), "row first": graph.RowFirst(x),
			"label first": graph.LabelFirst(x, y), "label ranks": graph.LabelRanks(x), "paired": graph.PairedSoftmax(x, y, z),
			"cross-entropy": graph.CrossEntropy(x, y, p), "gather": graph.Gather(x, y),
			"permute": x.Permute(n, 0), "permute of shape": x.Permute(shape...), "products of matrices": x.BatchMatMul(y), "products by transposes": x.BatchMatMulT(y),
			"softmax": x.Softmax(n), "log-softmax along": x.LogSoftmax(n), "gelu": x.GELU(), "gelu tanh": x.GELUTanh(), "swish": x.Swish(p),
			"hard swish": x.HardSwish(), "hard sigmoid": x.HardSigmoid(), "prelu": x.PReLU(y), "where else": graph.WhereElse(x, y, z),
			"layer norm": graph.LayerNorm(x, y, z, p), "plain layer norm": graph.LayerNorm(x, graph.Expr{}, graph.Expr{}, 1e-5), "values": x.Values([]float64{1, p}, shape...),
			"concat": graph.Concat(n, x, y, z), "concat one": graph.Concat(n, x), "concat none": graph.Concat(n),
			"slice": x.Slice(n, n-1, n+1), "linear": graph.Linear(x, y, z), "add relu": x.Add(y).Relu(), "unfused": x.Unfused().Add(y).Relu(),
			"weight": graph.NewParams(1).Weight(g, "w", tensor.Float32, graph.Fill(p), small(shape)...),
		} {
			node, err := e.Node()
			if (node == nil) == (err == nil) {
				t.Fatalf("%s: node %v and error %v", name, node, err)
			}
			if err != nil {
				continue
			}
			for _, d := range node.Shape() {
				if d < 1 {
					t.Fatalf("%s has shape %v", name, node.Shape())
				}
			}
		}
	})
}

// anyNode is an expression of a node of any shape and type, or of none.
func anyNode(g *gorgonia.ExprGraph, name string, bits uint64) graph.Expr {
	dt := []tensor.Dtype{tensor.Float64, tensor.Float64, tensor.Float64, tensor.Float32, tensor.Int}[bits%5]
	bits /= 5
	shape := anyShape(bits)
	if bits%31 == 0 {
		return graph.Of(nil)
	}
	if bits%31 == 1 {
		return graph.Expr{}
	}
	if len(shape) == 0 {
		return graph.Of(gorgonia.NewScalar(g, dt, gorgonia.WithName(name)))
	}
	return graph.Of(gorgonia.NewTensor(g, dt, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(fmt.Sprint(name, shape))))
}

// small is shape without sides that fill the memory.
func small(shape []int) []int {
	for i, n := range shape {
		shape[i] = min(n, 4)
	}
	return shape
}
