package losses

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
)

// What a parameter may be by name a field may be in Go, and nothing else.
func TestFieldsAreInRange(t *testing.T) {
	cosine := graph.Metric{Kind: graph.Cosine}
	x, y := randomBatch(2, 6, 2, 3)
	for want, l := range map[string]Loss{
		"losses: triplet: margin is -1, want 0 to 1000":            Triplet{Margin: -1},
		"losses: triplet: margin is NaN":                           Triplet{Margin: math.NaN(), Soft: true},
		"losses: triplet: mining-margin is -0.1":                   Triplet{MiningMargin: -0.1},
		"losses: contrastive: neg-margin is -0.5, want at least 0": Contrastive{NegMargin: -0.5},
		"losses: contrastive: pos-margin is NaN":                   Contrastive{PosMargin: math.NaN()},
		"losses: lifted: margin is -0.5, want at least 0":          LiftedStructure{Margin: -0.5},
		"losses: lifted: sharpness is +Inf":                        LiftedStructure{Sharpness: math.Inf(1)},
		"losses: multi-similarity: beta is -2":                     MultiSimilarity{Beta: -2},
		"losses: ce: scale is -4":                                  &CrossEntropy{Classes: 3, Scale: -4},
		"losses: ce: lr-scale is NaN":                              &CrossEntropy{Classes: 3, LRScale: math.NaN()},
		"counts terms between NaN and 0":                           Triplet{Reducer: Reducer{Low: math.NaN()}},
		"the weight of class 1 is -1":                              Triplet{Reducer: Reducer{ClassWeights: []float64{1, -1, 1}}},
	} {
		_, err := Evaluate(l, x, y, tensor.Float64)
		require.ErrorContains(t, err, want)
	}
	for _, l := range []Loss{Contrastive{NegMargin: -0.5, Metric: cosine}, LiftedStructure{Margin: -0.5, Metric: cosine}, Triplet{Margin: Exactly0}} {
		_, err := Evaluate(l, x, y, tensor.Float64)
		require.NoError(t, err, "%+v", l)
	}
	_, err := Parse("triplet:margin=-1", Setting{})
	require.ErrorContains(t, err, "-1 is out of range, want 0 to 1000")
}

func TestNoLossIsTold(t *testing.T) {
	x, y := randomBatch(2, 6, 2, 3)
	itself := &Joint{}
	itself.Parts = []Part{{Loss: Triplet{}}, {Loss: &Joint{Parts: []Part{{Loss: itself}}}}}
	nothing := Func(func(_, _ *gorgonia.Node) (*gorgonia.Node, error) { return nil, nil })
	for name, c := range map[string]struct {
		loss Loss
		want string
	}{
		"nil":                    {nil, "losses: the loss is nil"},
		"nil function":           {Func(nil), "nil losses.Func"},
		"nil pointer":            {(*CrossEntropy)(nil), "nil *losses.CrossEntropy"},
		"nil joint":              {(*Joint)(nil), "nil *losses.Joint"},
		"empty part":             {&Joint{Parts: []Part{{Loss: Triplet{}}, {}}}, "part 1 of the joint loss: losses: the loss is nil"},
		"nil pointer in a part":  {&Joint{Parts: []Part{{Loss: (*CrossEntropy)(nil)}}}, "part 0 of the joint loss"},
		"nil function in a part": {&Joint{Parts: []Part{{Loss: Func(nil)}}}, "part 0 of the joint loss"},
		"weight":                 {&Joint{Parts: []Part{{Loss: Triplet{}, Weight: math.NaN()}}}, "has the weight NaN"},
		"a loss in itself":       {itself, "holds the joint loss itself"},
		"neither":                {nothing, "gives neither a node nor an error"},
		"neither in a part":      {&Joint{Parts: []Part{{Loss: nothing}}}, "the node is nil"},
	} {
		_, err := Evaluate(c.loss, x, y, tensor.Float64)
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
		for _, l := range []Loss{Triplet{Mining: All}, Contrastive{}, LiftedStructure{}, MultiSimilarity{}} {
			want, err := Evaluate(l, x, near, dt)
			require.NoError(t, err)
			got, err := Evaluate(l, x, far, dt)
			require.NoError(t, err)
			require.InDelta(t, want.Loss, got.Loss, 1e-6*want.Loss, "%T of %v", l, dt)
		}
		far[3] = math.MaxInt
		_, err := Evaluate(&CrossEntropy{Classes: 4}, x, far, dt)
		require.ErrorContains(t, err, "number the classes from 0 on")
		_, err = Evaluate(Triplet{Reducer: Reducer{ClassWeights: []float64{1, 1, 1, 1}}}, x, far, dt)
		require.ErrorContains(t, err, "want a whole number from 0 to 3")
	}
}

// Batches without a triplet, raw products of 10¹⁶ and violations below −10³⁰ need no number that
// stands for "none".
func TestNoNumberStandsForNone(t *testing.T) {
	raw := graph.Metric{Kind: graph.Dot, Raw: true}
	x := []float64{1e8, 0, 0, 1e8, 1e8, 1e8}
	for _, l := range []Loss{Triplet{Metric: raw}, LiftedStructure{Metric: raw}, LiftedStructure{Form: MaxMargin, Metric: raw}} {
		for _, y := range [][]int{{0, 0, 0}, {0, 1, 2}} {
			v, err := Evaluate(l, x, y, tensor.Float64)
			require.NoError(t, err)
			require.Zero(t, v.Loss, "%T, labels %v", l, y)
			require.NotContains(t, v.Gradient, math.NaN())
		}
	}
	squared := graph.Metric{Kind: graph.SquaredEuclidean, Raw: true}
	v, err := Evaluate(Triplet{Metric: squared, Reducer: Reducer{How: Mean}}, []float64{0, 0, 1e15, 3, 3, 3 - 2e15}, []int{0, 0, 1, 2, 2, 2}, tensor.Float64)
	require.NoError(t, err)
	p := newPlain(squared, []float64{0, 0, 1e15, 3, 3, 3 - 2e15}, []int{0, 0, 1, 2, 2, 2}, 0)
	require.InEpsilon(t, p.of(Triplet{Margin: 0.2, Mining: BatchHard, Metric: squared, Reducer: Reducer{How: Mean}}), v.Loss, 1e-9)
}
