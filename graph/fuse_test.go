package graph_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
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
			kinds = append(kinds, strings.TrimPrefix(fmt.Sprintf("%T", s.Spec), "spec."))
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

// Fused ops compute the same bits on Gorgonia's own machine.
func TestFusionsOnGorgoniasMachine(t *testing.T) {
	for name, c := range fusionCases() {
		t.Run(name, func(t *testing.T) {
			run := func(make func(tensor.Dtype, graphtest.Build, ...graphtest.Input) (*graphtest.Machine, error)) ([]float64, [][]float64) {
				m, err := make(tensor.Float32, c.build, c.in[0]...)
				require.NoError(t, err)
				defer m.Close()
				value, grads, err := m.Run()
				require.NoError(t, err)
				return value, grads
			}
			want, wantGrads := run(graphtest.New)
			got, grads := run(graphtest.NewPlain)
			require.Equal(t, want, got)
			require.Equal(t, wantGrads, grads)
		})
	}
}

// What a fused op does by itself is not computed on Gorgonia's own machine either, unless somebody wants it.
func TestPartsOnGorgoniasMachine(t *testing.T) {
	g := gorgonia.NewGraph()
	x := value(g, "x", []float64{1, -2, 3, 4}, 1, 1, 2, 2)
	y := value(g, "y", []float64{1, -2, 3, 4}, 1, 1, 2, 2)
	sum, wanted := x.Add(y), x.Add(x)
	wantedNode, err := wanted.Node()
	require.NoError(t, err)
	out, err := sum.Relu().Add(wanted.Relu()).Node()
	require.NoError(t, err)
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	require.NoError(t, vm.RunAll())
	require.Equal(t, []float64{4, 0, 12, 16}, out.Value().Data())
	require.Equal(t, []float64{2, -4, 6, 8}, wantedNode.Value().Data())
	var notComputed int
	for _, n := range g.AllNodes() {
		if n.Op() != nil && n.Value().Data().([]float64)[0] != n.Value().Data().([]float64)[0] {
			notComputed++
		}
	}
	require.Equal(t, 1, notComputed)
}

// What a fused op does by itself is not done twice where somebody else reads it, before or after: then the op
// is not fused.
func TestSharedParts(t *testing.T) {
	heavy := []string{"Linear", "Conv", "ConvNorm", "ConvPool", "BatchNorm", "BatchNormAdd", "NormPool", "MaxPool"}
	weight := func(kinds []string) (n int) {
		for _, k := range kinds {
			if slices.Contains(heavy, k) {
				n++
			}
		}
		return n
	}
	for name, c := range fusionCases() {
		in := c.in[len(c.in)-1]
		if tensor.Shape(in[0].Shape).TotalSize() > 1000 {
			in = c.in[0]
		}
		outer := func(y graph.Expr, in []graph.Expr) graph.Expr {
			return c.outer(append([]graph.Expr{y}, in...)).Square().Sum()
		}
		for when, build := range map[string]graphtest.Build{
			"before": func(in []graph.Expr) graph.Expr {
				y := c.inner(in)
				return y.Exp().Sum().Add(outer(y, in))
			},
			"after": func(in []graph.Expr) graph.Expr {
				y := c.inner(in)
				z := outer(y, in)
				return z.Add(y.Exp().Sum())
			},
			"by another of its kind": func(in []graph.Expr) graph.Expr {
				y := c.inner(in)
				return outer(y, in).Add(graph.MaxPool(y.Reshape(1, 1, 1, y.Shape().TotalSize()), graph.Pool{Window: [2]int{1, 1}}).Relu().Sum())
			},
		} {
			t.Run(name+"/"+when, func(t *testing.T) {
				kinds, _ := ranSpecs(t, build, in)
				plain, _ := ranSpecs(t, unfused(build), in)
				require.LessOrEqual(t, len(kinds), len(plain))
				require.LessOrEqual(t, weight(kinds), weight(plain), "%v, want no more than %v", kinds, plain)
				sameAs(t, tensor.Float64, true, unfused(build), build, in)
				sameAs(t, tensor.Float32, true, unfused(build), build, in)
			})
		}
	}
}

// A part of a part that somebody reads later: three ops as they were written.
func TestSharedPartOfAPart(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 24))
	in := []graphtest.Input{graphtest.Random(rng, 2, 2, 6, 6), graphtest.Random(rng, 3, 2, 3, 3)}
	build := func(in []graph.Expr) graph.Expr {
		y := graph.Conv2D(in[0], in[1], graph.Expr{}, graph.Conv{})
		z := graph.MaxPool(y.Relu(), graph.Pool{Window: [2]int{2, 2}})
		return z.Sum().Add(y.Square().Sum())
	}
	kinds, _ := ranSpecs(t, build, in)
	require.ElementsMatch(t, []string{"Conv", "Unary", "MaxPool", "SumTo", "Unary", "SumTo", "Binary"}, kinds)
	sameAs(t, tensor.Float64, false, unfused(build), build, in)
}

// The same op of the same part is one op, fused.
func TestFusedTwice(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 25))
	in := []graphtest.Input{graphtest.Random(rng, 3, 4), graphtest.Random(rng, 5, 4)}
	build := func(in []graph.Expr) graph.Expr {
		y := graph.Linear(in[0], in[1], graph.Expr{})
		return y.Relu().Mul(y.Relu())
	}
	kinds, _ := ranSpecs(t, build, in)
	require.Equal(t, []string{"Linear", "Binary"}, kinds)
	sameAs(t, tensor.Float64, false, unfused(build), build, in)
}

// No gradient flows to what is detached before it is fused.
func TestFusedDetached(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 26))
	in := []graphtest.Input{graphtest.Random(rng, 3, 4), graphtest.Random(rng, 5, 4)}
	build := func(in []graph.Expr) graph.Expr {
		y := graph.Linear(in[0], in[1], graph.Expr{})
		return y.Detach().Relu().Sum().Add(in[0].Square().Sum()).Add(in[1].Sum())
	}
	sameAs(t, tensor.Float64, false, unfused(build), build, in)
	_, grads, err := graphtest.Eval(tensor.Float64, build, in...)
	require.NoError(t, err)
	weight := graphtest.Weights(1)[0]
	require.InDeltaSlice(t, slices.Repeat([]float64{weight}, 20), grads[1], 1e-12) // of the last sum alone
}

// The slope's gradient of PReLU reads what its ReLU could be fused with.
func TestPReLUOfConvolution(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 27))
	in := []graphtest.Input{graphtest.Random(rng, 2, 2, 5, 5), graphtest.Random(rng, 3, 2, 3, 3), graphtest.Random(rng, 3)}
	build := func(in []graph.Expr) graph.Expr {
		return graph.Conv2D(in[0], in[1], graph.Expr{}, graph.Conv{}).PReLU(in[2])
	}
	kinds, _ := ranSpecs(t, build, in)
	require.Equal(t, "Conv", kinds[0])
	require.NotContains(t, kinds[1:], "Conv")
	sameAs(t, tensor.Float64, false, unfused(build), build, in)
	graphtest.Gradient(t, build, in...)
}

// Two ops that could each do by themselves what one op does leave it to that one.
func TestPartOfTwo(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 28))
	half := graph.Pool{Window: [2]int{2, 2}}
	conv := func(in []graph.Expr) graph.Expr {
		return graph.Conv2D(in[0], in[1], graph.Expr{}, graph.Conv{Pad: [2]int{1, 1}})
	}
	twice := func(e graph.Expr) graph.Expr { return e.Add(e).Relu() }
	for name, c := range map[string]struct {
		part  graphtest.Build
		other func(graph.Expr) graph.Expr
		in    []graphtest.Input
		want  []string
	}{
		"convolution":           {conv, graph.Expr.Relu, []graphtest.Input{graphtest.Random(rng, 2, 2, 4, 6), graphtest.Random(rng, 3, 2, 3, 3)}, []string{"Conv", "Unary", "MaxPool"}},
		"ReLU of a convolution": {relu(conv), twice, []graphtest.Input{graphtest.Random(rng, 2, 2, 4, 6), graphtest.Random(rng, 3, 2, 3, 3)}, []string{"Conv", "AddRelu", "MaxPool"}},
		"normalisation":         {batchNorm(graph.BatchNorm{Train: true}), graph.Expr.Relu, normInputs(rng, 3, 4, 4, 6), []string{"BatchStats", "BatchNorm", "Unary", "MaxPool"}},
	} {
		t.Run(name, func(t *testing.T) {
			build := func(in []graph.Expr) graph.Expr {
				y := c.part(in)
				return graph.Concat(1, c.other(y).Flatten(), graph.MaxPool(y, half).Flatten())
			}
			kinds, _ := ranSpecs(t, build, c.in)
			require.ElementsMatch(t, append(c.want, "Copy", "Copy", "Concat"), kinds)
			sameAs(t, tensor.Float64, false, unfused(build), build, c.in)
			sameAs(t, tensor.Float32, false, unfused(build), build, c.in)
		})
	}
}

// Every order of a network's last ops in evaluation ends in one op.
func TestFusedInAnyOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 32))
	in := append([]graphtest.Input{graphtest.Random(rng, 2, 2, 5, 6), graphtest.Random(rng, 3, 2, 3, 3)}, normInputs(rng, 2, 3)[1:]...)
	for i := range in {
		in[i].Data = true
	}
	half := graph.Pool{Window: [2]int{2, 2}}
	norm := func(in []graph.Expr) graph.Expr {
		return graph.BatchNorm{}.Norm(graph.Conv2D(in[0], in[1], graph.Expr{}, graph.Conv{}), in[2], in[3], in[4], in[5])
	}
	for name, build := range map[string]graphtest.Build{
		"ReLU, maximum":       func(in []graph.Expr) graph.Expr { return graph.MaxPool(norm(in).Relu(), half) },
		"maximum, ReLU":       func(in []graph.Expr) graph.Expr { return graph.MaxPool(norm(in), half).Relu() },
		"ReLU, maximum, ReLU": func(in []graph.Expr) graph.Expr { return graph.MaxPool(norm(in).Relu(), half).Relu() },
	} {
		t.Run(name, func(t *testing.T) {
			kinds, _ := ranSpecs(t, build, in)
			require.Equal(t, []string{"RunningStats", "ConvPool"}, kinds[:2])
			require.Equal(t, name == "ReLU, maximum, ReLU", len(kinds) == 3) // the second ReLU changes nothing
			sameAs(t, tensor.Float64, true, unfused(build), build, in)
		})
	}
}

// Rows that do not fit: fused, these would be wrong, or slower.
func TestNotFused(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 29))
	overlapping := graph.Pool{Window: [2]int{3, 3}, Stride: [2]int{2, 2}}
	data := func(in ...graphtest.Input) []graphtest.Input {
		for i := range in {
			in[i].Data = true
		}
		return in
	}
	convNorm := func(in []graph.Expr) graph.Expr {
		return graph.BatchNorm{}.Norm(graph.Conv2D(in[0], in[1], graph.Expr{}, graph.Conv{}), in[2], in[3], in[4], in[5])
	}
	convNormInputs := func(n int) []graphtest.Input {
		return append([]graphtest.Input{graphtest.Random(rng, n, 2, 5, 6), graphtest.Random(rng, 3, 2, 3, 3)}, normInputs(rng, n, 3)[1:]...)
	}
	learnedScale := data(convNormInputs(2)...)
	learnedScale[2].Data = false
	for name, c := range map[string]struct {
		build graphtest.Build
		in    []graphtest.Input
		want  []string
	}{
		"windows that overlap": {func(in []graph.Expr) graph.Expr {
			return graph.MaxPool(graph.Conv2D(in[0], in[1], graph.Expr{}, graph.Conv{}).Relu(), overlapping)
		}, convNormInputs(2)[:2], []string{"Conv", "MaxPool"}},
		"filters that learn":        {convNorm, convNormInputs(2), []string{"Conv", "RunningStats", "BatchNorm"}},
		"a scale that learns":       {convNorm, learnedScale, []string{"Conv", "RunningStats", "BatchNorm"}},
		"sum of matrices":           {func(in []graph.Expr) graph.Expr { return in[0].Add(in[1]).Relu() }, []graphtest.Input{graphtest.Random(rng, 4, 5), graphtest.Random(rng, 4, 5)}, []string{"Binary", "Unary"}},
		"sum of two shapes":         {func(in []graph.Expr) graph.Expr { return in[0].Add(in[1]).Relu() }, []graphtest.Input{graphtest.Random(rng, 4, 5, 2), graphtest.Random(rng, 4, 1, 2)}, []string{"Binary", "Unary"}},
		"difference":                {func(in []graph.Expr) graph.Expr { return in[0].Sub(in[1]).Relu() }, []graphtest.Input{graphtest.Random(rng, 4, 5, 2), graphtest.Random(rng, 4, 5, 2)}, []string{"Binary", "Unary"}},
		"another function":          {func(in []graph.Expr) graph.Expr { return graph.Linear(in[0], in[1], graph.Expr{}).Tanh() }, []graphtest.Input{graphtest.Random(rng, 4, 5), graphtest.Random(rng, 2, 5)}, []string{"Linear", "Unary"}},
		"a normalisation with ReLU": {func(in []graph.Expr) graph.Expr { return batchNorm(graph.BatchNorm{})(in).Relu().Add(in[0]).Relu() }, normInputs(rng, 2, 3, 2, 2), []string{"RunningStats", "BatchNorm", "AddRelu"}},
		"twice one normalisation":   {func(in []graph.Expr) graph.Expr { y := batchNorm(graph.BatchNorm{})(in); return y.Add(y).Relu() }, normInputs(rng, 2, 3, 2, 2), []string{"RunningStats", "BatchNorm", "AddRelu"}},
	} {
		t.Run(name, func(t *testing.T) {
			kinds, _ := ranSpecs(t, c.build, c.in)
			require.ElementsMatch(t, c.want, kinds)
			sameAs(t, tensor.Float64, false, unfused(c.build), c.build, c.in)
		})
	}
}

// Of what is not to be fused, masks of pairs are matrices, and hinges are ops of their own.
func TestUnfusedFormula(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 30))
	in := []graphtest.Input{graphtest.Random(rng, 5, 3), graphtest.Data([]float64{1, 2, 1, 2, 2}, 5)}
	build := func(in []graph.Expr) graph.Expr {
		_, neg := graph.PairMasks(in[1])
		sum, _ := graph.RowTerms(neg, graph.Distances(in[0]).Hinge(-1, 2), 0, 9)
		return sum
	}
	kinds, _ := ranSpecs(t, build, in)
	require.NotContains(t, kinds, "PairMask")
	require.NotContains(t, kinds, "Unary")
	kinds, _ = ranSpecs(t, unfused(build), in)
	require.Contains(t, kinds, "PairMask")
	require.Contains(t, kinds, "Unary")
	sameAs(t, tensor.Float64, true, unfused(build), build, in)
}

// Other ops see the ReLU that was fused with what it is of: the terms are of the matrix.
func TestFusedIsLookedThrough(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 31))
	in := []graphtest.Input{graphtest.Random(rng, 5, 3), graphtest.Random(rng, 4, 3), graphtest.Mask(rng, 0.5, 5, 4)}
	build := func(in []graph.Expr) graph.Expr {
		sum, _ := graph.RowTerms(in[2], graph.Linear(in[0], in[1], graph.Expr{}).Relu(), 0, 9)
		return sum
	}
	kinds, _ := ranSpecs(t, build, in)
	require.Equal(t, []string{"Linear", "RowTerms"}, kinds)
	sameAs(t, tensor.Float64, false, unfused(build), build, in)
}
