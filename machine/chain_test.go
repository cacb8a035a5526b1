package machine_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/machine"
)

// chainFormulas are scalars of embeddings x (N, E) and labels (N), and how many of their ops, with those of the
// gradients, are not run by themselves.
var chainFormulas = map[string]struct {
	of        func(x, labels graph.Expr) graph.Expr
	postponed int
}{
	"a column over a matrix": {func(x, labels graph.Expr) graph.Expr {
		d, _, neg := compared(x, labels)
		mean := graph.RowMean(neg, d)
		return d.Sub(mean).Relu().Square().SumAxis(1).Mul(mean).Sum()
	}, 9},
	"a number of all rows": {func(x, labels graph.Expr) graph.Expr {
		d, pos, neg := compared(x, labels)
		return graph.SumOver(neg, d.Sub(graph.MeanOver(pos, d.Scale(2))).Hinge(-1, 0.3).Square())
	}, 9},
	"sums of few powers": {func(x, labels graph.Expr) graph.Expr {
		d, pos, neg := compared(x, labels)
		weight := d.Hinge(-1, 2).Detach()
		far := graph.RowLogSumExp(pos, weight.Mul(d.Affine(3, 1)), 0)
		return far.Add(graph.RowLogSumExp(neg, weight.Mul(d.Affine(-3, 1)), 0)).Softplus().Sum()
	}, 9},
	"what is chosen by a bound": {func(x, labels graph.Expr) graph.Expr {
		d, _, neg := compared(x, labels)
		v := d.Affine(-1, 1.5)
		n := v.Shape()[0]
		hard := graph.Within(neg, v, v.Constant(0, n, 1), v.Constant(math.Inf(1), n, 1))
		all := graph.RowLogSumExp(hard, v.Scale(5), 0)
		return graph.Where(hard, v.Scale(5).Sub(all), math.Inf(-1)).Exp().Mul(v).SumAxis(1).Sum()
	}, 12},
	"the largest of each row": {func(x, labels graph.Expr) graph.Expr {
		d, pos, neg := compared(x, labels)
		return graph.RowMax(pos, d.Square().Plus(1), 0).Add(graph.RowMin(neg, d.Square().Scale(2), 0)).Sum()
	}, 4},
	"differences from two means": {func(x, labels graph.Expr) graph.Expr {
		pos, neg := graph.PairMasks(labels)
		d := graph.DotProducts(x, x).Neg()
		mean := func(of graph.Expr) graph.Expr {
			sum, count := graph.RowTerms(of, d, math.Inf(-1), math.Inf(1))
			return sum.Sum().Div(count.Sum().Plus(1))
		}
		sum := func(of, terms graph.Expr) graph.Expr {
			all, _ := graph.RowTerms(of, terms, math.Inf(-1), math.Inf(1))
			return all.Sum()
		}
		pull := d.Sub(mean(pos).Scale(0.9)).Relu().Exp()
		return sum(pos, pull).Add(sum(neg, mean(neg).Scale(1.1).Sub(d).Relu().Exp()))
	}, 14},
	"few and all in one sum": {func(x, labels graph.Expr) graph.Expr {
		d, pos, neg := compared(x, labels)
		near := graph.RowMin(neg, d, 0)
		pulled := graph.Where(pos, d.Sub(near).Hinge(2, 0.1).Mul(d), 0).Scale(-1)
		pushed := graph.Where(neg, near.Sub(d).Sigmoid(), 0)
		return pushed.Sub(pulled).Add(pushed.Mul(pulled)).Square().SumAxis(1).Sum()
	}, 20},
	"sides that stretch": {func(x, labels graph.Expr) graph.Expr {
		d, _, _ := compared(x, labels)
		n := d.Shape()[0]
		a, b := d.SumAxis(1), d.SumAxis(0).Reshape(1, n)
		return a.Sub(b).Mul(d).Clamp(-3, 3).Abs().Plus(0.1).Log().Clamp(-1, 9).SumAxis(1).Sum()
	}, 7},
}

func compared(x, labels graph.Expr) (d, pos, neg graph.Expr) {
	pos, neg = graph.PairMasks(labels)
	return graph.Distances(x), pos, neg
}

// What chains compute is what the ops compute one by one, to the last bit, in value and gradient and in both types,
// run after run; and they are made where they are thought to be.
func TestChains(t *testing.T) {
	for name, c := range chainFormulas {
		t.Run(name, func(t *testing.T) {
			for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
				const n, e = 40, 5
				rng := rand.New(rand.NewPCG(8, 1))
				chained, single := newChainRun(t, dt, n, e, c.of, true), newChainRun(t, dt, n, e, c.of, false)
				steps, err := graph.Steps(chained.g)
				require.NoError(t, err)
				require.GreaterOrEqual(t, len(steps)-len(graph.Chained(steps)), c.postponed, "ops of chains")
				require.True(t, slices.ContainsFunc(machine.StepsOf(chained.vm), func(s string) bool { return strings.Contains(s, "Chain") }), machine.StepsOf(chained.vm))
				for round := range 4 {
					values, labels := make([]float64, n*e), make([]float64, n)
					for i := range values {
						values[i] = rng.NormFloat64() / 2
					}
					few := rng.IntN(2) == 0
					for i := range labels {
						labels[i] = float64(rng.IntN(3))
						if few {
							labels[i] = float64(i / 2)
						}
						if round == 0 { // no positive pairs
							labels[i] = float64(i)
						}
					}
					copy(values[e:2*e], values[:e]) // equal rows
					want, got := single.run(t, values, labels), chained.run(t, values, labels)
					require.Equal(t, want, got)
				}
			}
		})
	}
}

// chainRun is a formula on a machine, with or without chains.
type chainRun struct {
	g           *gorgonia.ExprGraph
	dt          tensor.Dtype
	x, y        *tensor.Dense
	value, grad *graph.Kept
	vm          gorgonia.VM
}

func newChainRun(t *testing.T, dt tensor.Dtype, n, e int, of func(x, labels graph.Expr) graph.Expr, chained bool) *chainRun {
	r := &chainRun{g: gorgonia.NewGraph(), dt: dt}
	r.x, r.y = tensor.New(tensor.Of(dt), tensor.WithShape(n, e)), tensor.New(tensor.Of(dt), tensor.WithShape(n))
	x := gorgonia.NewMatrix(r.g, dt, gorgonia.WithName("x"), gorgonia.WithShape(n, e), gorgonia.WithValue(r.x))
	y := gorgonia.NewVector(r.g, dt, gorgonia.WithName("y"), gorgonia.WithShape(n), gorgonia.WithValue(r.y))
	cost, err := of(graph.Of(x), graph.Data(y)).Node()
	require.NoError(t, err)
	grads, err := gorgonia.Grad(cost, x)
	require.NoError(t, err)
	r.value, err = graph.Keep(cost)
	require.NoError(t, err)
	r.grad, err = graph.Keep(grads[0])
	require.NoError(t, err)
	if chained {
		r.vm, err = machine.New(r.g)
		require.NoError(t, err)
	} else {
		r.vm = gorgonia.NewTapeMachine(r.g)
	}
	t.Cleanup(func() { require.NoError(t, r.vm.Close()) })
	return r
}

func (r *chainRun) run(t *testing.T, values, labels []float64) []float64 {
	fill := func(to *tensor.Dense, from []float64) {
		for i, v := range from {
			if r.dt == tensor.Float32 {
				to.Float32s()[i] = float32(v)
			} else {
				to.Float64s()[i] = v
			}
		}
	}
	fill(r.x, values)
	fill(r.y, labels)
	r.vm.Reset()
	require.NoError(t, r.vm.RunAll())
	out := []float64{r.value.Scalar()}
	for _, v := range r.grad.Float32s() {
		out = append(out, float64(v))
	}
	return append(out, r.grad.Float64s()...)
}
