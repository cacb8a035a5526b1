package graph_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/machine"
)

// draws runs a draw of x (2, 4) with mask (2, 4) many times.
func draws(t *testing.T, dt tensor.Dtype, runs int, x, mask []float64, of func(r *graph.Random, mask, x graph.Expr) graph.Expr) (out [][]float64) {
	t.Helper()
	g := gorgonia.NewGraph()
	p := graph.NewParams(3)
	e := of(p.Random(g, "draws", dt), graph.Data(node(t, g, "mask", dt, mask, 2, 4)), graph.Of(node(t, g, "x", dt, x, 2, 4)))
	n, err := e.Node()
	require.NoError(t, err)
	var v gorgonia.Value
	gorgonia.Read(n, &v)
	vm, err := machine.New(g)
	require.NoError(t, err)
	defer vm.Close()
	for range runs {
		require.NoError(t, vm.RunAll())
		numbers, err := graph.Numbers(v)
		require.NoError(t, err)
		out = append(out, numbers)
		vm.Reset()
	}
	return out
}

func means(runs [][]float64, of func(v float64) float64) []float64 {
	out := make([]float64, len(runs[0]))
	for _, r := range runs {
		for i, v := range r {
			out[i] += of(v) / float64(len(runs))
		}
	}
	return out
}

// Bins [0, 1), [1, 2), [2, 3), [3, 4] hold 2, 0, 1 and 3 of the entries; each that holds some gives 6
// draws, its entries alike.
func TestLevelled(t *testing.T) {
	x := []float64{0, 0.5, 2, 3, 3.5, 4, 100, -100}
	mask := []float64{1, 1, 1, 1, 1, 1, 0, 0}
	for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
		runs := draws(t, dt, 4000, x, mask, func(r *graph.Random, mask, x graph.Expr) graph.Expr { return r.Levelled(mask, x, 4, 6) })
		for _, r := range runs {
			require.Equal(t, []float64{6, 6, 6, 0, 0}, []float64{r[0] + r[1], r[2], r[3] + r[4] + r[5], r[6], r[7]})
		}
		// A count of 6 draws of probability q has the variance 6q(1−q) ≤ 1.5; the mean of 4000 is
		// off by 0.1 with a probability below 10⁻⁶.
		require.InDeltaSlice(t, []float64{3, 3, 6, 2, 2, 2, 0, 0}, means(runs, func(v float64) float64 { return v }), 0.1)
	}
	// All at one level make one bin.
	one := draws(t, tensor.Float32, 1, []float64{1, 1, 1, 1, 1, 1, 1, 1}, mask, func(r *graph.Random, mask, x graph.Expr) graph.Expr { return r.Levelled(mask, x, 5, 8) })
	sum := 0.0
	for _, v := range one[0] {
		sum += v
	}
	require.Equal(t, 8., sum)
	none := draws(t, tensor.Float32, 1, x, make([]float64, 8), func(r *graph.Random, mask, x graph.Expr) graph.Expr { return r.Levelled(mask, x, 5, 8) })
	require.Equal(t, make([]float64, 8), none[0])
}

// An entry of the mask gets a column by its row's weights, which are 1, 0, 3, 0 and 0, 0, 0, 0.
func TestChooseFor(t *testing.T) {
	weights, mask := []float64{1, 0, 3, 0, 0, 0, 0, 0}, []float64{0, 1, 0, 1, 1, 0, 0, 0}
	for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
		runs := draws(t, dt, 4000, weights, mask, func(r *graph.Random, mask, x graph.Expr) graph.Expr { return r.ChooseFor(mask, x) })
		both := 0.0
		for _, r := range runs {
			require.Equal(t, []float64{-1, -1, -1, -1, -1, -1}, []float64{r[0], r[2], r[4], r[5], r[6], r[7]})
			require.Contains(t, []float64{0, 2}, r[1])
			require.Contains(t, []float64{0, 2}, r[3])
			if r[1] == 2 && r[3] == 2 {
				both += 1. / 4000
			}
		}
		// Standard deviations are below 0.008.
		share := means(runs, func(v float64) float64 { return v / 2 })
		require.InDelta(t, 0.75, share[1], 0.04)
		require.InDelta(t, 0.75, share[3], 0.04)
		require.InDelta(t, 0.75*0.75, both, 0.04, "draws are independent")
	}
}

// Who asks twice for a stream's draw gets one draw.
func TestStream(t *testing.T) {
	twice := func(r *graph.Random, mask, x graph.Expr) graph.Expr {
		a, b := r.Stream(0).ChooseFor(mask, x), r.Stream(0).ChooseFor(mask, x)
		return a.Sub(b).Square().Add(r.Stream(1).ChooseFor(mask, x).Sub(a).Square().Scale(100))
	}
	total := 0.0
	for _, r := range draws(t, tensor.Float32, 50, []float64{1, 1, 1, 1, 1, 1, 1, 1}, []float64{1, 1, 1, 1, 1, 1, 1, 1}, twice) {
		for _, v := range r {
			require.Zero(t, math.Mod(v, 100))
			total += v
		}
	}
	require.Positive(t, total, "another stream draws others")
}

func TestDrawsRefuse(t *testing.T) {
	g := gorgonia.NewGraph()
	x := graph.Of(node(t, g, "x", tensor.Float32, make([]float64, 8), 2, 4))
	r := graph.NewParams(1).Random(g, "draws", tensor.Float32)
	require.ErrorContains(t, r.Levelled(x, x, 0, 1).Err(), "1 draws from each of 0 bins")
	require.ErrorContains(t, r.Levelled(x, x, 1<<12, 1<<12).Err(), "at most 4194304 draws")
	require.ErrorContains(t, r.ChooseFor(x, x.Reshape(8)).Err(), "mask has shape")
	var none *graph.Random
	require.ErrorContains(t, none.Stream(3).Levelled(x, x, 1, 1).Err(), "the source of random numbers is nil")
}
