package main

import (
	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/machine"
)

// comparedOp is an op of a net that is measured alone. Its inputs are filled with noise, the
// first with seed 0 and so on; torch_bench.py has the same under its name.
type comparedOp struct {
	name   string
	inputs [][]int
	build  func(in []graph.Expr) graph.Expr
}

// depthwise is a convolution of c channels, each alone, of pictures with so many pixels a side.
func depthwise(name string, c, side, window, stride int) comparedOp {
	const batch = 2
	return comparedOp{name, [][]int{{batch, c, side, side}, {c, 1, window, window}}, func(in []graph.Expr) graph.Expr {
		return graph.Conv2D(in[0], in[1], graph.Expr{}, graph.Conv{Groups: c, Stride: [2]int{stride, stride}, Pad: [2]int{window / 2, window / 2}})
	}}
}

// comparedOps are those of transformers (ViT-S/16 with 4 pictures: 197 tokens of 384 numbers, six
// heads), ConvNeXt-T and MobileNets.
var comparedOps = []comparedOp{
	{"gelu", [][]int{{4 * 197, 1536}}, func(in []graph.Expr) graph.Expr { return in[0].GELU() }},
	{"gelu-tanh", [][]int{{4 * 197, 1536}}, func(in []graph.Expr) graph.Expr { return in[0].GELUTanh() }},
	{"layernorm", [][]int{{4 * 197, 384}, {384}, {384}}, func(in []graph.Expr) graph.Expr { return graph.LayerNorm(in[0], in[1], in[2], 1e-6) }},
	{"softmax", [][]int{{24, 197, 197}}, func(in []graph.Expr) graph.Expr { return in[0].Softmax(2) }},
	{"matmul-batch", [][]int{{24, 197, 64}, {24, 197, 64}}, func(in []graph.Expr) graph.Expr { return in[0].BatchMatMulT(in[1]) }},
	{"permute-nchw-nhwc", [][]int{{2, 96, 56, 56}}, func(in []graph.Expr) graph.Expr { return in[0].Permute(0, 2, 3, 1) }},
	depthwise("depthwise-7x7/96/56", 96, 56, 7, 1),
	depthwise("depthwise-3x3/144/56", 144, 56, 3, 1),
	depthwise("depthwise-3x3s2/144/56", 144, 56, 3, 2),
	depthwise("depthwise-5x5/672/14", 672, 14, 5, 1),
}

// The passes of an op: its result, and that with the gradients to all inputs of the sum of the
// result times noise.
const (
	opForward   = "forward"
	opGradients = "gradients"
)

func opsAlone() []workload {
	var all []workload
	for _, o := range comparedOps {
		for _, pass := range []string{opForward, opGradients} {
			all = append(all, workload{Kind: "op", Op: o.name, Pass: pass, target: 1})
		}
	}
	return all
}

// measureOp times an op of a graph.
func measureOp(j job) (m measured, err error) {
	defer graph.Guard("building the op", &err)
	var op *comparedOp
	for i := range comparedOps {
		if comparedOps[i].name == j.Op {
			op = &comparedOps[i]
		}
	}
	if op == nil {
		return m, errors.Errorf("there is no op %q", j.Op)
	}
	g := gorgonia.NewGraph()
	var in []graph.Expr
	var nodes gorgonia.Nodes
	for i, shape := range op.inputs {
		n, values := input(g, "input "+string(rune('a'+i)), shape...)
		copy(values, noise(len(values), uint32(i)))
		in, nodes = append(in, graph.Of(n)), append(nodes, n)
	}
	out := op.build(in)
	if j.Pass == opForward {
		return measureForward(j, g, out)
	}
	weights, values := input(g, "weights", out.Shape()...)
	copy(values, noise(len(values), 9))
	cost, err := out.Mul(graph.Data(weights)).Sum().Node()
	if err != nil {
		return m, err
	}
	grads, err := gorgonia.Grad(cost, nodes...)
	if err != nil {
		return m, err
	}
	kept, err := graph.Keep(cost)
	if err != nil {
		return m, err
	}
	for _, n := range grads {
		if _, err := graph.Keep(n); err != nil {
			return m, err
		}
	}
	if m, err = measureRuns(j, g); err == nil {
		m.Value = kept.Scalar()
	}
	return m, err
}

func measureForward(j job, g *gorgonia.ExprGraph, out graph.Expr) (m measured, err error) {
	node, err := out.Node()
	if err != nil {
		return m, err
	}
	kept, err := graph.Keep(node)
	if err != nil {
		return m, err
	}
	if m, err = measureRuns(j, g); err == nil {
		m.Value = float64(kept.Float32s()[0])
	}
	return m, err
}

// measureRuns measures runs of a graph that is whole.
func measureRuns(j job, g *gorgonia.ExprGraph) (m measured, err error) {
	vm, err := machine.New(g)
	if err != nil {
		return m, err
	}
	defer vm.Close()
	return measure(j.Seconds, rerun(vm))
}
