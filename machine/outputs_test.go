package machine_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
	"medusa/internal/spec"
	"medusa/machine"
)

// severalCase is an expression with ops of several outputs.
type severalCase struct {
	build graphtest.Build
	in    []graphtest.Input
}

// severalCases share parameters between ops, whose gradients are added up where other ops read them, too.
func severalCases() map[string]severalCase {
	rng := rand.New(rand.NewPCG(4, 4))
	norm := func(x graph.Expr, in []graph.Expr) graph.Expr { // of which the last are γ, β and the running statistics
		return graph.BatchNorm{Train: true}.Norm(x, in[1], in[2], in[3], in[4])
	}
	images, c := graphtest.Random(rng, 2, 3, 6, 6), graphtest.Random(rng, 3)
	normed := []graphtest.Input{images, c, graphtest.Random(rng, 3), graphtest.Data([]float64{0, 0, 0}, 3), graphtest.Data([]float64{1, 1, 1}, 3)}
	d, mask := graphtest.Random(rng, 5, 7), graphtest.Mask(rng, 0.5, 5, 7)
	pool := graph.Pool{Window: [2]int{2, 2}}
	return map[string]severalCase{
		"maxima": {func(in []graph.Expr) graph.Expr {
			return graph.MaxPool(in[0], pool).Mul(graph.MaxPool(in[0].Square(), pool)).Tanh()
		}, []graphtest.Input{images}},
		"overlapping maxima": {func(in []graph.Expr) graph.Expr {
			return graph.MaxPool(in[0], graph.Pool{Window: [2]int{3, 3}, Stride: [2]int{1, 1}}).Relu()
		}, []graphtest.Input{images}},
		"convolutions": {func(in []graph.Expr) graph.Expr {
			same := graph.Conv{Pad: [2]int{1, 1}}
			return graph.Conv2D(graph.Conv2D(in[0], in[1], in[2], same).Relu(), in[1], in[2], same)
		}, []graphtest.Input{images, graphtest.Random(rng, 3, 3, 3, 3), c}},
		"normalisations": {func(in []graph.Expr) graph.Expr {
			return norm(norm(in[0], in).Relu(), in)
		}, normed},
		"normalisation and maxima": {func(in []graph.Expr) graph.Expr {
			return graph.MaxPool(norm(in[0], in), pool)
		}, normed},
		"normalised rows": {func(in []graph.Expr) graph.Expr {
			return graph.LayerNorm(graph.LayerNorm(in[0], in[1], in[2], 1e-5).Tanh(), in[1], in[2], 1e-5)
		}, []graphtest.Input{graphtest.Random(rng, 4, 3), c, graphtest.Random(rng, 3)}},
		"rows shifted": {func(in []graph.Expr) graph.Expr {
			return graph.LayerNorm(in[0], graph.Expr{}, in[1], 1e-5)
		}, []graphtest.Input{graphtest.Random(rng, 4, 3), c}},
		"terms": {func(in []graph.Expr) graph.Expr {
			sum, count := graph.RowTerms(in[1], in[0].Hinge(-1, 1), 0, 3)
			return sum.Div(count.Plus(1))
		}, []graphtest.Input{d, mask}},
		"reductions": {func(in []graph.Expr) graph.Expr {
			most, some := graph.RowMaxOf(in[1], in[0])
			sum, more := graph.RowLogSumExpOf(in[1], in[0].Scale(3))
			return most.Mul(some).Add(sum.Mul(more)).Sub(graph.RowMin(in[1], in[0], 0))
		}, []graphtest.Input{d, mask}},
		"triplets": {func(in []graph.Expr) graph.Expr {
			of := func(smooth bool) graph.TripletSums {
				return graph.Triplets{Margin: 0.3, Smooth: smooth, Window: graph.EveryTriplet()}.Sums(in[0], in[1], in[2])
			}
			plain, smooth := of(false), of(true)
			return plain.Sum.Div(plain.Count.Plus(1)).Add(smooth.Sum.Div(smooth.Chosen.Plus(1))).Mul(plain.Active.Plus(1))
		}, []graphtest.Input{d, mask, graphtest.Mask(rng, 0.5, 5, 7)}},
		"bins": {func(in []graph.Expr) graph.Expr {
			return graph.SoftHistogram(graph.RowBins(in[1], in[0], -1, 1, 6)).Square()
		}, []graphtest.Input{d, mask}},
	}
}

// What ops of several outputs compute has the same bits on Gorgonia's own machine, which knows the outputs as nodes
// alone, and nearly those of a device; the gradients are right.
func TestOutputsOnEveryMachine(t *testing.T) {
	for name, c := range severalCases() {
		t.Run(name, func(t *testing.T) {
			for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
				ours, err := graphtest.New(dt, c.build, c.in...)
				require.NoError(t, err)
				plain, err := graphtest.NewPlain(dt, c.build, c.in...)
				require.NoError(t, err)
				for range 3 {
					want, wantGrads, err := plain.Run()
					require.NoError(t, err)
					got, grads, err := ours.Run()
					require.NoError(t, err)
					require.Equal(t, want, got)
					require.Equal(t, wantGrads, grads)
				}
			}
			graphtest.Gradient(t, c.build, c.in...)
		})
	}
}

// keptOn keeps the sum of an expression, and its gradients, on a device.
func keptOn(t *testing.T, d *machine.Device, c severalCase) (vm gorgonia.VM, kept []*graph.Kept) {
	t.Helper()
	g := gorgonia.NewGraph()
	var in []graph.Expr
	var wrt gorgonia.Nodes
	for i, of := range c.in {
		x, err := graph.Tensor(of.Values, tensor.Float32, of.Shape...)
		require.NoError(t, err)
		n := gorgonia.NewTensor(g, tensor.Float32, len(of.Shape), gorgonia.WithShape(of.Shape...), gorgonia.WithName(string(rune('a'+i))), gorgonia.WithValue(x))
		if of.Data {
			in = append(in, graph.Data(n))
			continue
		}
		in, wrt = append(in, graph.Of(n)), append(wrt, n)
	}
	out, err := c.build(in).Tanh().Sum().Node()
	require.NoError(t, err)
	grads, err := gorgonia.Grad(out, wrt...)
	require.NoError(t, err)
	for _, n := range append(gorgonia.Nodes{out}, grads...) {
		k, err := graph.Keep(n)
		require.NoError(t, err)
		kept = append(kept, k)
	}
	vm, err = machine.On(g, d)
	require.NoError(t, err)
	t.Cleanup(func() { vm.Close() })
	return vm, kept
}

// A device has the outputs, too, and records the run; an op that it has no kernel for reads them on the host, or makes
// them there.
func TestOutputsOnADevice(t *testing.T) {
	lacking := map[string][]any{
		"none":                     nil,
		"gradients of maxima":      {spec.MaxPoolGrad{}},
		"maxima":                   {spec.MaxPool{}, spec.ConvPool{}, spec.NormPool{}},
		"gradients of reductions":  {spec.RowReduceGrad{}, spec.BatchNormGrad{}},
		"reductions and gradients": {spec.RowReduce{}, spec.RowTerms{}, spec.ConvGradWeight{}, spec.BatchNormParamsGrad{}},
	}
	for missing, specs := range lacking {
		t.Run("without "+missing, func(t *testing.T) {
			d := sim(t, func(message string) { require.NotNil(t, specs, message) })
			machine.Without(d, specs...)
			for name, c := range severalCases() {
				vm, kept := keptOn(t, d, c)
				host, want := keptOn(t, nil, c)
				require.NoError(t, host.RunAll())
				for run := range 4 {
					require.NoError(t, vm.RunAll(), name)
					for i, k := range kept {
						a, b := want[i].Float32s(), k.Float32s()
						top := float64(slices.Max(a) - slices.Min(a) + 1e-3)
						require.InDeltaSlice(t, a, b, 1e-4*max(top, 1), "%s, run %d, value %d", name, run, i)
					}
				}
				require.True(t, specs != nil || machine.Recorded(vm), name)
			}
		})
	}
}

// An output that nobody reads is not made, nor has it memory.
func TestOutputsThatNobodyReads(t *testing.T) {
	cases := severalCases()
	for name, c := range map[string]struct {
		severalCase
		gradients bool
		kind      string
		read      [][]bool
	}{
		"maxima of training":            {cases["overlapping maxima"], true, "spec.MaxPool{", [][]bool{{true, true}}},
		"maxima of evaluation":          {cases["overlapping maxima"], false, "spec.MaxPool{", [][]bool{{true, false}}},
		"gradients of weights and bias": {cases["convolutions"], true, "spec.ConvGradWeight{", [][]bool{{true, true}, {true, true}}},
		"gradients of weights alone": {severalCase{func(in []graph.Expr) graph.Expr {
			return graph.Conv2D(in[0], in[1], graph.Expr{}, graph.Conv{})
		}, cases["convolutions"].in[:2]}, true, "spec.ConvGradWeight{", [][]bool{{true, false}}},
		"terms, not counted": {severalCase{func(in []graph.Expr) graph.Expr {
			sum, _ := graph.RowTerms(in[1], in[0], 0, 3)
			return sum
		}, cases["terms"].in}, true, "spec.RowTerms{", [][]bool{{true, false}}},
		"triplets, active ones counted": {severalCase{func(in []graph.Expr) graph.Expr {
			s := graph.Triplets{Margin: 0.3, Window: graph.EveryTriplet()}.Sums(in[0], in[1], in[2])
			return s.Sum.Div(s.Active.Plus(1))
		}, cases["triplets"].in}, true, "spec.Triplets{", [][]bool{{true, false, true, false}}},
	} {
		t.Run(name, func(t *testing.T) {
			g := gorgonia.NewGraph()
			var in []graph.Expr
			var wrt gorgonia.Nodes
			for i, of := range c.in {
				n := gorgonia.NewTensor(g, tensor.Float32, len(of.Shape), gorgonia.WithShape(of.Shape...), gorgonia.WithName(string(rune('a'+i))))
				in = append(in, graph.Of(n))
				if !of.Data {
					wrt = append(wrt, n)
				}
			}
			out, err := c.build(in).Tanh().Sum().Node()
			require.NoError(t, err)
			keep := gorgonia.Nodes{out}
			if c.gradients {
				grads, err := gorgonia.Grad(out, wrt...)
				require.NoError(t, err)
				keep = append(keep, grads...)
			}
			for _, n := range keep {
				_, err := graph.Keep(n)
				require.NoError(t, err)
			}
			vm, err := machine.New(g)
			require.NoError(t, err)
			var read [][]bool
			for _, k := range machine.OutputsOf(vm) {
				if strings.HasPrefix(k.Kernel, c.kind) {
					read = append(read, k.Read)
				}
			}
			require.Equal(t, c.read, read)
		})
	}
}

// Places have memory as long as somebody reads them: those of the first maximum are no longer read when the second is
// taken, of numbers that the first's gradient is part of.
func TestPlacesHaveMemoryByLiveness(t *testing.T) {
	g := gorgonia.NewGraph()
	pool := graph.Pool{Window: [2]int{3, 3}, Stride: [2]int{1, 1}}
	last := graph.Data(input(g, "zero", random(2*3*6*6), 2, 3, 6, 6))
	for _, name := range []string{"a", "b", "c"} {
		x := input(g, name, random(2*3*6*6), 2, 3, 6, 6)
		cost, err := graph.MaxPool(graph.Of(x).Add(last), pool).Square().Sum().Node()
		require.NoError(t, err)
		grads, err := gorgonia.Grad(cost, x)
		require.NoError(t, err)
		last = graph.Data(grads[0])
	}
	n, err := last.Node()
	require.NoError(t, err)
	_, err = graph.Keep(n)
	require.NoError(t, err)
	vm, err := machine.New(g)
	require.NoError(t, err)
	require.NoError(t, vm.RunAll())
	places := map[*int32]int{}
	for _, k := range machine.OutputsOf(vm) {
		for _, m := range k.Memory {
			if m.I32 != nil {
				places[&m.I32[0]]++
			}
		}
	}
	require.Len(t, places, 1, "three maxima, one after the other")
	for _, times := range places {
		require.Equal(t, 3, times)
	}
}
