package losses_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/losses"
	"medusa/losses/losstest"
	"medusa/machine"
	"medusa/miners"
	"medusa/pairs"
)

func init() {
	mappers["DynamicSoftMarginLoss"] = func(r *goldenRecord) losses.Loss {
		r.reducer() // its one number is not reduced
		return &losses.DynamicSoftMargin{Bins: int(r.number("num_bins", 10)), Range: 2, Momentum: r.number("momentum", 0.01), Through: true, Metric: r.metric()}
	}
}

func ExampleDynamicSoftMargin() {
	show(losses.Default[*losses.DynamicSoftMargin]())
	// Output: 0.004
}

// Points 0, 1 and 3, the first two of one class: differences of 1 − 3 and 1 − 2. In bins of 1 from
// −4 on they are at edges, a half of all triplets each.
func TestDynamicSoftMargin(t *testing.T) {
	x, y := []float64{0, 1, 3}, []int{0, 0, 1}
	l := &losses.DynamicSoftMargin{Bins: 8, Range: 4, Momentum: 0.25, Metric: pairs.LP{Raw: true}}
	e, err := losses.NewEvaluator(l, 3, 1, tensor.Float64)
	require.NoError(t, err)
	defer e.Close()
	run := func(x []float64, y []int) float64 {
		v, err := e.Value(x, y)
		require.NoError(t, err)
		return v.Loss
	}
	state := func() []float64 {
		v, err := graph.Numbers(l.Params().Lookup("histogram").Value)
		require.NoError(t, err)
		return v
	}
	require.InDelta(t, (0.5*-2+1*-1)/2, run(x, y), 1e-12)
	require.InDeltaSlice(t, []float64{0, 0, 0.5, 0.5, 0, 0, 0, 0, 0}, state(), 1e-12)
	require.Zero(t, run(x, []int{0, 1, 2}))
	require.InDeltaSlice(t, []float64{0, 0, 0.5, 0.5, 0, 0, 0, 0, 0}, state(), 1e-12, "no triplets change nothing")
	// Now 0 and 3 are of one class: differences of 3 − 1 and 3 − 2, of which a quarter is taken in.
	require.InDelta(t, ((0.75+0.125)*1+(0.75+0.25)*2)/2, run(x, []int{0, 1, 0}), 1e-12)
	require.InDeltaSlice(t, []float64{0, 0, 0.375, 0.375, 0, 0.125, 0.125, 0, 0}, state(), 1e-12)
	// A graph that observes reads the state and leaves it.
	g := gorgonia.NewGraph()
	l.Params().Observe(g)
	b := lineBatch(t, g, x, y)
	cost, err := losses.BuildOn(l, b)
	require.NoError(t, err)
	vm, err := machine.New(g)
	require.NoError(t, err)
	defer vm.Close()
	before := append([]float64(nil), state()...)
	require.NoError(t, vm.RunAll())
	require.NotNil(t, cost)
	require.Equal(t, before, state())
}

// lineBatch is a batch of rows of numbers.
func lineBatch(t *testing.T, g *gorgonia.ExprGraph, x []float64, y []int) pairs.Batch {
	labels := make([]float64, len(y))
	for i, l := range y {
		labels[i] = float64(l)
	}
	node := func(name string, v []float64, shape ...int) *gorgonia.Node {
		d, err := graph.Tensor(v, tensor.Float64, shape...)
		require.NoError(t, err)
		return gorgonia.NewTensor(g, tensor.Float64, len(shape), gorgonia.WithName(name), gorgonia.WithShape(shape...), gorgonia.WithValue(d))
	}
	return pairs.Of(node("x", x, len(y), len(x)/len(y)), node("y", labels, len(y)))
}

// With a momentum of 1 the histogram is that of the batch, and nothing is remembered.
func TestDynamicSoftMarginProperties(t *testing.T) {
	with := func(set func(l *losses.DynamicSoftMargin)) *losses.DynamicSoftMargin {
		l := losses.Default[*losses.DynamicSoftMargin]()
		l.Momentum, l.Through = 1, true
		set(l)
		return l
	}
	properties(t, map[string]*losses.DynamicSoftMargin{
		"through":    with(func(*losses.DynamicSoftMargin) {}),
		"raw":        with(func(l *losses.DynamicSoftMargin) { l.Bins, l.Range, l.Metric = 7, 1.5, pairs.LP{Raw: true} }),
		"cosine":     with(func(l *losses.DynamicSoftMargin) { l.Metric = pairs.Cosine{} }),
		"semi-hard":  with(func(l *losses.DynamicSoftMargin) { l.Miner = semiHard(0.4) }),
		"batch-hard": with(func(l *losses.DynamicSoftMargin) { l.Miner = miners.BatchHard{} }),
	})
	fresh := func() losses.Loss { return losses.Default[*losses.DynamicSoftMargin]() }
	properties(t, map[string]losses.Loss{"default": fresh()},
		losstest.Stateful("its histogram is a moving average", fresh), losstest.StopsGradient("weights are held fixed"))
}

func TestDynamicSoftMarginRefuses(t *testing.T) {
	refuses(t, map[string]*losses.DynamicSoftMargin{
		"losses: dynamic-soft-margin: bins: 0 is out of range":       {Range: 2, Momentum: 1},
		"losses: dynamic-soft-margin: range: 0 is out of range":      {Bins: 2, Momentum: 1},
		"losses: dynamic-soft-margin: momentum: NaN is out of range": {Bins: 2, Range: 1, Momentum: math.NaN()},
		"the loss is a nil *losses.DynamicSoftMargin":                nil,
		"take masks of pairs and a window":                           {Bins: 2, Range: 1, Momentum: 1, Miner: weighing{}},
		"by another metric than the loss":                            {Bins: 2, Range: 1, Momentum: 1, Miner: miners.TripletMargin{Type: miners.Hard, Metric: pairs.LP{P: 1}}},
	})
}
