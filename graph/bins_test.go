package graph_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

// Entries 0.5, 1 and 2.25 of bins between 0 and 3: what lies below and above is at the outer edges.
func TestRowBins(t *testing.T) {
	x := []float64{0.5, 9, 2.25, 1, -4, 4, 1, 1}
	mask := []float64{1, 0, 1, 1, 1, 1, 0, 0}
	for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
		for name, c := range map[string]struct {
			of   func(numbers, parts graph.Expr) graph.Expr
			want []float64
		}{
			"numbers":   {func(numbers, _ graph.Expr) graph.Expr { return numbers }, []float64{1, 1, 1, 1, 0, 1}},
			"parts":     {func(_, parts graph.Expr) graph.Expr { return parts }, []float64{0.5, 0, 0.25, 0, 0, 1}},
			"histogram": {graph.SoftHistogram, []float64{0.5, 1.5, 0.75, 0.25, 1, 0, 0, 1}},
		} {
			got, grads, err := graphtest.Eval(dt, func(in []graph.Expr) graph.Expr {
				return c.of(graph.RowBins(in[1], in[0], 0, 3, 3)).Add(in[0].Scale(0).Sum())
			}, graphtest.Of(x, 2, 4), graphtest.Data(mask, 2, 4))
			require.NoError(t, err, name)
			require.InDeltaSlice(t, c.want, got, 1e-6, name)
			require.Zero(t, grads[0][4], "below the first bin")
			require.Zero(t, grads[0][5], "above the last bin")
		}
	}
}

// A mask that holds 3 counts three times; a NaN makes the part NaN.
func TestRowBinsTimes(t *testing.T) {
	bins := func(in []graph.Expr) graph.Expr {
		numbers, parts := graph.RowBins(in[1], in[0], 0, 1, 2)
		return graph.Concat(1, numbers, parts)
	}
	got, _, err := graphtest.Eval(tensor.Float64, bins, graphtest.Of([]float64{0.25, 0.75}, 1, 2), graphtest.Data([]float64{3, 1}, 1, 2))
	require.NoError(t, err)
	require.Equal(t, []float64{3, 1, 1.5, 0.5}, got)
	got, _, err = graphtest.Eval(tensor.Float64, bins, graphtest.Of([]float64{math.NaN(), 0.75}, 1, 2), graphtest.Data([]float64{1, 1}, 1, 2))
	require.NoError(t, err)
	require.True(t, math.IsNaN(got[2]))
}

func TestBinsDifferences(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	labels := graphtest.Data([]float64{0, 1, 0, 2, 1, 0, 2}, 7)
	between := graphtest.Data([]float64{0, 1, 2, 0, 1}, 5)
	for name, build := range map[string]graphtest.Build{
		"rows": func(in []graph.Expr) graph.Expr {
			pos, _ := graph.PairMasks(in[1])
			return graph.SoftHistogram(graph.RowBins(pos, in[0], -2, 2, 5)).Square()
		},
		"triplets": func(in []graph.Expr) graph.Expr {
			pos, neg := graph.PairMasks(in[1])
			return graph.SoftHistogram(graph.TripletBins(in[0], pos, neg, graph.EveryTriplet(), -2, 2, 5)).Square()
		},
		"a window": func(in []graph.Expr) graph.Expr {
			pos, neg := graph.PairMasks(in[1])
			numbers, parts := graph.TripletBins(in[0], pos, neg, graph.Window{Above: -0.5, AtMost: 1}, -2, 2, 3)
			return numbers.Add(parts).Square()
		},
	} {
		t.Run(name, func(t *testing.T) { graphtest.Gradient(t, build, graphtest.Random(rng, 7, 7), labels) })
	}
	t.Run("between", func(t *testing.T) {
		graphtest.Gradient(t, func(in []graph.Expr) graph.Expr {
			pos, neg := graph.PairMasksBetween(in[1], in[2])
			return graph.SoftHistogram(graph.TripletBins(in[0], pos, neg, graph.EveryTriplet(), -2, 2, 4)).Square()
		}, graphtest.Random(rng, 7, 5), labels, between)
	})
}

// The bins of triplets are those of the rows of all differences.
func TestTripletBinsAgainstRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 2))
	const n, m, bins = 6, 9, 4
	d := graphtest.Random(rng, n, m)
	pos, neg := graphtest.Mask(rng, 0.4, n, m), graphtest.Mask(rng, 0.5, n, m)
	differences, mask := make([]float64, n*m*m), make([]float64, n*m*m)
	for a := range n {
		for p := range m {
			for k := range m {
				at := a*m*m + p*m + k
				differences[at] = d.Values[a*m+p] - d.Values[a*m+k]
				if differences[at] < 1.5 && -differences[at] <= 0.75 { // −δ above −1.5, at most 0.75
					mask[at] = pos.Values[a*m+p] * neg.Values[a*m+k]
				}
			}
		}
	}
	both := func(numbers, parts graph.Expr) graph.Expr { return graph.Concat(1, numbers, parts) }
	want, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr { return both(graph.RowBins(in[1], in[0], -1, 2, bins)) },
		graphtest.Of(differences, n, m*m), graphtest.Data(mask, n, m*m))
	require.NoError(t, err)
	got, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
		return both(graph.TripletBins(in[0], in[1], in[2], graph.Window{Above: -1.5, AtMost: 0.75}, -1, 2, bins))
	}, d, pos, neg)
	require.NoError(t, err)
	require.InDeltaSlice(t, want, got, 1e-12)
}

func TestBinsRefuse(t *testing.T) {
	square, long := graphtest.Of(make([]float64, 4), 2, 2), graphtest.Of(make([]float64, 6), 2, 3)
	first := func(e, _ graph.Expr) graph.Expr { return e }
	for want, build := range map[string]graphtest.Build{
		"mask has shape":         func(in []graph.Expr) graph.Expr { return first(graph.RowBins(in[1], in[0], 0, 1, 2)) },
		"0 bins between 0 and 1": func(in []graph.Expr) graph.Expr { return first(graph.RowBins(in[0], in[0], 0, 1, 0)) },
		"between 1 and 1":        func(in []graph.Expr) graph.Expr { return first(graph.RowBins(in[0], in[0], 1, 1, 2)) },
		"between -1 and +Inf":    func(in []graph.Expr) graph.Expr { return first(graph.RowBins(in[0], in[0], -1, math.Inf(1), 2)) },
		"between NaN and 1":      func(in []graph.Expr) graph.Expr { return first(graph.RowBins(in[0], in[0], math.NaN(), 1, 2)) },
		"mask has shape (2, 3), want (2, 2": func(in []graph.Expr) graph.Expr {
			return first(graph.TripletBins(in[0], in[1], in[1], graph.EveryTriplet(), 0, 1, 2))
		},
		"window above NaN, at most 0": func(in []graph.Expr) graph.Expr {
			return first(graph.TripletBins(in[0], in[0], in[0], graph.Window{Above: math.NaN()}, 0, 1, 2))
		},
		"mask has shape (2, 2), want (2, 3": func(in []graph.Expr) graph.Expr { return graph.SoftHistogram(in[0], in[1]) },
		"ranks of temperature 0":            func(in []graph.Expr) graph.Expr { return graph.SoftRanks(in[0], in[0], in[0], 0) },
		"ranks of temperature NaN":          func(in []graph.Expr) graph.Expr { return graph.SoftRanks(in[0], in[0], in[0], math.NaN()) },
	} {
		_, _, err := graphtest.Eval(tensor.Float64, build, square, long)
		require.ErrorContains(t, err, want)
	}
}
