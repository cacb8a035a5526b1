package graph_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

func linear(in []graph.Expr) graph.Expr {
	if len(in) == 2 {
		return graph.Linear(in[0], in[1], graph.Expr{})
	}
	return graph.Linear(in[0], in[1], in[2])
}

func TestLinear(t *testing.T) {
	// x·wᵀ + b by hand.
	graphtest.Values(t, []float64{1*1 + 2*0 + 10, 1*3 + 2*4 + 20, 1*5 + 2*6 + 30}, linear,
		graphtest.Of([]float64{1, 2}, 1, 2), graphtest.Of([]float64{1, 0, 3, 4, 5, 6}, 3, 2), graphtest.Of([]float64{10, 20, 30}, 3))
	rng := rand.New(rand.NewPCG(1, 7))
	for _, s := range [][3]int{{1, 1, 1}, {3, 5, 2}, {7, 4, 6}, {2, 33, 17}} {
		x, w, b := graphtest.Random(rng, s[0], s[1]), graphtest.Random(rng, s[2], s[1]), graphtest.Random(rng, s[2])
		graphtest.Gradient(t, linear, x, w, b)
		graphtest.Gradient(t, linear, x, w)
		x.Data = true
		graphtest.Gradient(t, linear, x, w, b)
		w.Data, b.Data = true, true
		x.Data = false
		graphtest.Gradient(t, linear, x, w, b)
	}
}

// A NaN stays in the ReLU of a sum.
func TestReluOfSum(t *testing.T) {
	build := func(in []graph.Expr) graph.Expr { return in[0].Add(in[1]).Relu() }
	nan := math.NaN()
	graphtest.Values(t, []float64{3, 0, 0, nan}, build,
		graphtest.Of([]float64{1, -3, 2, nan}, 4), graphtest.Of([]float64{2, 1, -2, 1}, 4))
	rng := rand.New(rand.NewPCG(1, 8))
	// Both sides one expression: the gradients add up.
	graphtest.Gradient(t, func(in []graph.Expr) graph.Expr { return in[0].Add(in[0]).Relu() }, graphtest.Random(rng, 3, 4, 1))
}

// Shapes that do not fit are refused, with the numbers that do not.
func TestLayerErrors(t *testing.T) {
	of := func(shape ...int) graphtest.Input {
		return graphtest.Of(make([]float64, tensor.Shape(shape).TotalSize()), shape...)
	}
	conv := func(c graph.Conv) graphtest.Build {
		return func(in []graph.Expr) graph.Expr {
			if len(in) == 2 {
				return graph.Conv2D(in[0], in[1], graph.Expr{}, c)
			}
			return graph.Conv2D(in[0], in[1], in[2], c)
		}
	}
	pool := func(p graph.Pool) graphtest.Build {
		return func(in []graph.Expr) graph.Expr { return graph.MaxPool(in[0], p) }
	}
	norm := func(b graph.BatchNorm) graphtest.Build {
		return func(in []graph.Expr) graph.Expr { return b.Norm(in[0], in[1], in[2], in[3], in[4]) }
	}
	dropout := func(rate float64) graphtest.Build {
		return func(in []graph.Expr) graph.Expr { return graph.Dropout(in[0], in[1], rate) }
	}
	for _, c := range []struct {
		want  string
		build graphtest.Build
		in    []graphtest.Input
	}{
		{"x (2, 3) and w (4, 5)", linear, []graphtest.Input{of(2, 3), of(4, 5)}},
		{"bias has shape (3), want (4)", linear, []graphtest.Input{of(2, 3), of(4, 3), of(3)}},
		{"bias has shape (4, 1), want (4)", linear, []graphtest.Input{of(2, 3), of(4, 3), of(4, 1)}},
		{"want (B, C, H, W)", conv(graph.Conv{}), []graphtest.Input{of(2, 3, 4), of(4, 3, 1, 1)}},
		{"window 3×3", conv(graph.Conv{}), []graphtest.Input{of(1, 1, 2, 2), of(1, 1, 3, 3)}},
		{"window 3×1 (dilation 2×1)", conv(graph.Conv{Dilation: [2]int{2, 1}}), []graphtest.Input{of(1, 1, 4, 4), of(1, 1, 3, 1)}},
		{"3 to 4 channels does not divide into 2 groups", conv(graph.Conv{Groups: 2}), []graphtest.Input{of(1, 3, 4, 4), of(4, 1, 1, 1)}},
		{"filters have 4 channels, want 2", conv(graph.Conv{Groups: 2}), []graphtest.Input{of(1, 4, 4, 4), of(4, 4, 1, 1)}},
		{"StrideH = -1", conv(graph.Conv{Stride: [2]int{-1, 1}}), []graphtest.Input{of(1, 1, 4, 4), of(1, 1, 1, 1)}},
		{"padding 0×-1", conv(graph.Conv{Pad: [2]int{0, -1}}), []graphtest.Input{of(1, 1, 4, 4), of(1, 1, 1, 1)}},
		{"bias has shape (3), want (4)", conv(graph.Conv{}), []graphtest.Input{of(1, 1, 4, 4), of(4, 1, 1, 1), of(3)}},
		{"window 5×5 is larger than the padded plane 4×4", pool(graph.Pool{Window: [2]int{5, 5}}), []graphtest.Input{of(1, 1, 4, 4)}},
		{"KH = 0", pool(graph.Pool{}), []graphtest.Input{of(1, 1, 4, 4)}},
		{"window 2×2 with padding 2×0", pool(graph.Pool{Window: [2]int{2, 2}, Pad: [2]int{2, 0}}), []graphtest.Input{of(1, 1, 4, 4)}},
		{"shape (4, 4), want (B, C, H, W)", pool(graph.Pool{Window: [2]int{2, 2}}), []graphtest.Input{of(4, 4)}},
		{"shape (4, 4), want (B, C, H, W)", func(in []graph.Expr) graph.Expr { return graph.GlobalAvgPool(in[0]) }, []graphtest.Input{of(4, 4)}},
		{"clamp to between 1 and NaN", func(in []graph.Expr) graph.Expr { return in[0].Clamp(1, math.NaN()) }, []graphtest.Input{of(2, 3)}},
		{"clamp to between 1 and 0", func(in []graph.Expr) graph.Expr { return in[0].Clamp(1, 0) }, []graphtest.Input{of(2, 3)}},
		{"one number a channel", norm(graph.BatchNorm{Train: true}), []graphtest.Input{of(1, 3, 1, 1), of(3), of(3), of(3), of(3)}},
		{"β has shape (1, 3), want (3)", norm(graph.BatchNorm{}), []graphtest.Input{of(2, 3), of(3), of(1, 3), of(3), of(3)}},
		{"running variance has shape (2)", norm(graph.BatchNorm{}), []graphtest.Input{of(2, 3), of(3), of(3), of(3), of(2)}},
		{"shape (2, 3, 4)", norm(graph.BatchNorm{}), []graphtest.Input{of(2, 3, 4), of(3), of(3), of(3), of(3)}},
		{"momentum 2", norm(graph.BatchNorm{Momentum: 2}), []graphtest.Input{of(2, 3), of(3), of(3), of(3), of(3)}},
		{"rate 1,", dropout(1), []graphtest.Input{of(2, 3), of(4)}},
		{"rate NaN,", dropout(math.NaN()), []graphtest.Input{of(2, 3), of(4)}},
		{"state has shape (2), want (4)", dropout(0.5), []graphtest.Input{of(2, 3), of(2)}},
	} {
		_, err := graphtest.New(tensor.Float64, c.build, c.in...)
		require.Error(t, err, c.want)
		assert.ErrorContains(t, err, c.want)
		assert.ErrorContains(t, err, "graph: ")
	}
}
