package losses_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/losses"
	"medusa/miners"
	"medusa/pairs"
)

func TestNoLossIsTold(t *testing.T) {
	x, y := randomBatch(2, 6, 2, 3)
	itself := &losses.Joint{}
	itself.Parts = []losses.Part{{Loss: losses.Triplet{}}, {Loss: &losses.Joint{Parts: []losses.Part{{Loss: itself}}}}}
	nothing := losses.Func(func(pairs.Batch) graph.Expr { return graph.Expr{} })
	for name, c := range map[string]struct {
		loss losses.Loss
		want string
	}{
		"nil":                    {nil, "losses: the loss is nil"},
		"nil function":           {losses.Func(nil), "nil losses.Func"},
		"nil pointer":            {(*losses.CrossEntropy)(nil), "nil *losses.CrossEntropy"},
		"nil joint":              {(*losses.Joint)(nil), "nil *losses.Joint"},
		"empty part":             {&losses.Joint{Parts: []losses.Part{{Loss: losses.Triplet{}}, {}}}, "part 1 of the joint loss: losses: the loss is nil"},
		"nil pointer in a part":  {&losses.Joint{Parts: []losses.Part{{Loss: (*losses.CrossEntropy)(nil)}}}, "part 0 of the joint loss"},
		"nil function in a part": {&losses.Joint{Parts: []losses.Part{{Loss: losses.Func(nil)}}}, "part 0 of the joint loss"},
		"weight":                 {&losses.Joint{Parts: []losses.Part{{Loss: losses.Triplet{}, Weight: math.NaN()}}}, "has the weight NaN"},
		"a loss in itself":       {itself, "*losses.Joint holds itself"},
		"neither":                {nothing, "gives neither an expression nor an error"},
		"neither in a part":      {&losses.Joint{Parts: []losses.Part{{Loss: nothing}}}, "gives neither"},
	} {
		_, err := losses.Evaluate(c.loss, x, y, tensor.Float64)
		require.ErrorContains(t, err, c.want, name)
	}
}

// Labels that float32 cannot tell apart are told apart; a loss that reads class numbers refuses
// them.
func TestLabelsBeyondFloat32(t *testing.T) {
	x, near := randomBatch(3, 12, 5, 4)
	for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
		far := make([]int, len(near))
		for i, l := range near {
			far[i] = []int{1 << 24, 1<<24 + 1, 1 << 60, -(1 << 60)}[l%4] + l/4
		}
		for _, l := range []losses.Loss{losses.Triplet{Margin: 0.2}, losses.Default[losses.Contrastive](), losses.Default[losses.LiftedStructure](), losses.Default[losses.MultiSimilarity]()} {
			want, err := losses.Evaluate(l, x, near, dt)
			require.NoError(t, err)
			got, err := losses.Evaluate(l, x, far, dt)
			require.NoError(t, err)
			require.InDelta(t, want.Loss, got.Loss, 1e-6*want.Loss, "%T of %v", l, dt)
		}
		far[3] = math.MaxInt
		_, err := losses.Evaluate(headOf(4), x, far, dt)
		require.ErrorContains(t, err, "number the classes from 0 on")
		_, err = losses.Evaluate(losses.Triplet{Reducer: pairs.ClassWeighted{Weights: []float64{1, 1, 1, 1}}}, x, far, dt)
		require.ErrorContains(t, err, "want a whole number from 0 to 3")
	}
}

// Batches without a triplet, raw products of 10¹⁶ and violations below −10³⁰ need no number that
// stands for "none".
func TestNoNumberStandsForNone(t *testing.T) {
	raw := pairs.Dot{Raw: true}
	x := []float64{1e8, 0, 0, 1e8, 1e8, 1e8}
	for _, l := range []losses.Loss{losses.Triplet{Margin: 0.2, Metric: raw, Miner: miners.BatchHard{}}, losses.LiftedStructure{Margin: 0.5, Sharpness: 16, Metric: raw}, losses.LiftedStructure{Form: losses.MaxMargin, Margin: 0.5, Sharpness: 1, Metric: raw}} {
		for _, y := range [][]int{{0, 0, 0}, {0, 1, 2}} {
			v, err := losses.Evaluate(l, x, y, tensor.Float64)
			require.NoError(t, err)
			require.Zero(t, v.Loss, "%T, labels %v", l, y)
			require.NotContains(t, v.Gradient, math.NaN())
		}
	}
	squared := pairs.LP{Power: 2, Raw: true}
	hard := losses.Triplet{Margin: 0.2, Miner: miners.BatchHard{}, Metric: squared, Reducer: pairs.Mean{}}
	v, err := losses.Evaluate(hard, []float64{0, 0, 1e15, 3, 3, 3 - 2e15}, []int{0, 0, 1, 2, 2, 2}, tensor.Float64)
	require.NoError(t, err)
	p := newPlain(squared, []float64{0, 0, 1e15, 3, 3, 3 - 2e15}, []int{0, 0, 1, 2, 2, 2}, 0)
	require.InEpsilon(t, p.of(hard), v.Loss, 1e-9)
}
