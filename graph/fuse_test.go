package graph_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

// fusionCase is an op of what another one makes.
type fusionCase struct {
	inner, outer func(in []graph.Expr) graph.Expr // in of outer: what inner makes, and then all inputs
	specs        []string                         // that a machine runs
	in           [][]graphtest.Input
	rounds       bool // the fused op rounds otherwise
}

func (c fusionCase) build(in []graph.Expr) graph.Expr {
	return c.outer(append([]graph.Expr{c.inner(in)}, in...))
}

// unfused is c on inputs of which ops are not fused.
func unfused(build graphtest.Build) graphtest.Build {
	return func(in []graph.Expr) graph.Expr {
		plain := make([]graph.Expr, len(in))
		for i, e := range in {
			plain[i] = e.Unfused()
		}
		return build(plain)
	}
}

// fusionCases has a case for every row of the table.
func fusionCases() map[string]fusionCase {
	rng := rand.New(rand.NewPCG(9, 23))
	random := func(shape ...int) graphtest.Input { return graphtest.Random(rng, shape...) }
	data := func(in ...graphtest.Input) []graphtest.Input {
		for i := range in {
			in[i].Data = true
		}
		return in
	}
	statistics := func(c int) []graphtest.Input { return normInputs(rng, 1, c)[3:] }

	relu := func(in []graph.Expr) graph.Expr { return in[0].Relu() }
	half := graph.Pool{Window: [2]int{2, 2}}
	overlapping := graph.Pool{Window: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: [2]int{1, 1}}
	maxPool := func(in []graph.Expr) graph.Expr { return graph.MaxPool(in[0], half) }
	maxPoolOverlapping := func(in []graph.Expr) graph.Expr { return graph.MaxPool(in[0], overlapping) }
	linear := func(in []graph.Expr) graph.Expr { return graph.Linear(in[0], in[1], in[2]) }
	conv := func(in []graph.Expr) graph.Expr {
		return graph.Conv2D(in[0], in[1], in[2], graph.Conv{Pad: [2]int{1, 1}})
	}
	norm := batchNorm(graph.BatchNorm{Train: true})
	running := batchNorm(graph.BatchNorm{})
	bare := func(in []graph.Expr) graph.Expr { // x, w
		return graph.Conv2D(in[0], in[1], graph.Expr{}, graph.Conv{Pad: [2]int{1, 1}, Stride: [2]int{1, 2}})
	}
	normed := func(in []graph.Expr) graph.Expr { // convolution, x, w, γ, β, mean, variance
		return graph.BatchNorm{}.Norm(in[0], in[3], in[4], in[5], in[6])
	}
	convNorm := func(in []graph.Expr) graph.Expr { return normed(append([]graph.Expr{bare(in)}, in...)) }
	of := func(outer, inner func([]graph.Expr) graph.Expr) func([]graph.Expr) graph.Expr {
		return func(in []graph.Expr) graph.Expr { return outer([]graph.Expr{inner(in)}) }
	}
	shortcut := len(normInputs(rng, 1, 1))
	plus := func(in []graph.Expr) graph.Expr { return in[0].Add(in[1+shortcut]).Relu() }

	convs := [][]graphtest.Input{
		{random(1, 2, 5, 6), random(3, 2, 3, 3), random(3)},
		{random(4, 2, 5, 6), random(3, 2, 3, 3), random(3)},
	}
	large := []graphtest.Input{random(23, 1, 28, 28), random(32, 1, 3, 3), random(32)} // falls into several blocks
	norms := [][]graphtest.Input{normInputs(rng, 3, 4, 5, 6)}
	rows := [][]graphtest.Input{normInputs(rng, 9, 3)}
	convNorms := [][]graphtest.Input{data(append([]graphtest.Input{random(2, 3, 5, 6), random(4, 3, 3, 3), random(4), random(4)}, statistics(4)...)...)}
	residual := func(shape ...int) []graphtest.Input { return append(normInputs(rng, shape...), random(shape...)) }
	sums := [][]graphtest.Input{{random(2, 3, 4, 5), random(2, 3, 4, 5)}, {random(7), random(7)}}
	add := func(in []graph.Expr) graph.Expr { return in[0].Add(in[1]) }
	square := func(in []graph.Expr) graph.Expr { return in[0].Square().Plus(-1).Relu() }
	largeNorm := normInputs(rng, 13, 32, 28, 28)

	return map[string]fusionCase{
		"ReLU of linear": {inner: linear, outer: relu, specs: []string{"Linear"}, in: [][]graphtest.Input{
			{random(1, 1), random(1, 1), random(1)}, {random(7, 4), random(6, 4), random(6)}, {random(2, 33), random(17, 33), random(17)}}},
		"ReLU of convolution":              {inner: conv, outer: relu, specs: []string{"Conv"}, in: convs},
		"ReLU of normalisation":            {inner: norm, outer: relu, specs: []string{"BatchStats", "BatchNorm"}, in: append(rows, norms...)},
		"ReLU of normalised convolution":   {inner: convNorm, outer: relu, specs: []string{"RunningStats", "ConvNorm"}, in: convNorms, rounds: true},
		"ReLU of maximum":                  {inner: maxPoolOverlapping, outer: relu, specs: []string{"MaxPool"}, in: [][]graphtest.Input{{random(3, 2, 8, 7)}}},
		"ReLU of maximum of convolution":   {inner: of(maxPool, conv), outer: relu, specs: []string{"ConvPool"}, in: convs},
		"ReLU of maximum of normalisation": {inner: of(maxPool, running), outer: relu, specs: []string{"RunningStats", "NormPool"}, in: norms},
		"ReLU of normalisation and shortcut": {inner: norm, outer: plus, specs: []string{"BatchStats", "BatchNormAdd"},
			in: [][]graphtest.Input{residual(4, 3, 5, 5), residual(9, 3), residual(2, 3, 2, 1)}},
		"ReLU of sum":                       {inner: add, outer: relu, specs: []string{"AddRelu"}, in: sums},
		"normalisation of convolution":      {inner: bare, outer: normed, specs: []string{"RunningStats", "ConvNorm"}, in: convNorms, rounds: true},
		"maximum of ReLU":                   {inner: square, outer: maxPoolOverlapping, specs: []string{"Unary", "Unary", "MaxPool"}, in: [][]graphtest.Input{{random(3, 2, 8, 7)}}},
		"maximum of convolution":            {inner: of(relu, conv), outer: maxPool, specs: []string{"ConvPool"}, in: append(convs, large)},
		"maximum of normalised convolution": {inner: of(relu, convNorm), outer: maxPool, specs: []string{"RunningStats", "ConvPool"}, in: convNorms, rounds: true},
		"maximum of normalisation":          {inner: of(relu, norm), outer: maxPool, specs: []string{"BatchStats", "NormPool"}, in: append(norms, largeNorm)},
	}
}

// ranSpecs are the kinds of kernels that a machine runs for an expression of inputs, without its gradient.
func ranSpecs(t *testing.T, build graphtest.Build, inputs []graphtest.Input) (kinds []string, out *gorgonia.Node) {
	t.Helper()
	g := gorgonia.NewGraph()
	in := make([]graph.Expr, len(inputs))
	for i, input := range inputs {
		n := gorgonia.NewTensor(g, tensor.Float32, len(input.Shape), gorgonia.WithShape(input.Shape...), gorgonia.WithName(fmt.Sprint(i)))
		in[i] = graph.Of(n)
		if input.Data {
			in[i] = graph.Data(n)
		}
	}
	out, err := build(in).Node()
	require.NoError(t, err)
	var value gorgonia.Value
	gorgonia.Read(out, &value)
	steps, err := graph.Steps(g)
	require.NoError(t, err)
	for _, s := range steps {
		if s.Spec != nil {
			kinds = append(kinds, strings.TrimPrefix(fmt.Sprintf("%T", s.Spec), "device."))
		}
	}
	return kinds, out
}

// sameAs compares values and gradients of two expressions of the same inputs.
func sameAs(t *testing.T, dt tensor.Dtype, rounds bool, want, got graphtest.Build, inputs []graphtest.Input) {
	t.Helper()
	value, grads, err := graphtest.Eval(dt, got, inputs...)
	require.NoError(t, err)
	wantValue, wantGrads, err := graphtest.Eval(dt, want, inputs...)
	require.NoError(t, err)
	if !rounds {
		require.Equal(t, wantValue, value)
	}
	tol := map[tensor.Dtype]float64{tensor.Float64: 1e-12, tensor.Float32: 1e-5}[dt]
	require.InDeltaSlice(t, wantValue, value, tol*max(1, largest(wantValue)))
	require.Len(t, grads, len(wantGrads))
	for i := range wantGrads {
		// Two readers' gradients are added up in another order.
		require.InDeltaSlice(t, wantGrads[i], grads[i], tol*max(1, largest(wantGrads[i])), "gradient to input %d", i)
	}
}

// Every row of the table has a case here, in which the machine runs the fused op and not its parts, with the
// values and the gradients of the parts.
func TestFusions(t *testing.T) {
	cases := fusionCases()
	require.Len(t, cases, len(graph.Fusions()))
	for _, name := range graph.Fusions() {
		t.Run(name, func(t *testing.T) {
			c, ok := cases[name]
			require.True(t, ok, "no case of this row")
			for _, in := range c.in {
				kinds, out := ranSpecs(t, c.build, in)
				require.Equal(t, c.specs, kinds)
				require.Equal(t, name, graph.FusionOf(out))
				plain, out := ranSpecs(t, unfused(c.build), in)
				require.Greater(t, len(plain), len(kinds))
				require.Empty(t, graph.FusionOf(out))
				for _, dt := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
					sameAs(t, dt, c.rounds, unfused(c.build), c.build, in)
				}
				if size := tensor.Shape(in[0].Shape).TotalSize(); size < 1000 {
					graphtest.Gradient(t, c.build, in...)
				}
			}
		})
	}
}
