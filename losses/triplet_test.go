package losses

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
)

// Points 0 and 1 of one class and 3 of another have two triplets, with D_ap − D_an of
// 1 − 3 and 1 − 2.
func TestTripletByHand(t *testing.T) {
	x, y := []float64{0, 1, 3}, []int{0, 0, 1}
	raw := graph.Metric{Raw: true}
	for name, c := range map[string]struct {
		loss Triplet
		want float64
	}{
		"batch-hard":             {Triplet{Margin: 2.5}, (0.5 + 1.5) / 2},
		"non-zero":               {Triplet{Margin: 1.5}, 0.5},
		"mean":                   {Triplet{Margin: 1.5, Mining: All, Reducer: Reducer{How: Mean}}, 0.25},
		"sum":                    {Triplet{Margin: 2.5, Mining: All, Reducer: Reducer{How: Sum}}, 2},
		"per anchor":             {Triplet{Margin: 2.5, Mining: All, Reducer: Reducer{How: PerAnchor}}, 2. / 3},
		"semi-hard":              {Triplet{Margin: 2.5, Mining: SemiHard, MiningMargin: 1.2}, 1.5},
		"easy":                   {Triplet{Margin: 2.5, Mining: Easy, MiningMargin: 1.2}, 0.5},
		"hard":                   {Triplet{Margin: 2.5, Mining: Hard}, 0},
		"soft":                   {Triplet{Mining: All, Soft: true}, (math.Log1p(math.Exp(-2)) + math.Log1p(math.Exp(-1))) / 2},
		"swap":                   {Triplet{Margin: 2.5, Mining: All, Swap: true}, (1.5 + 1.5) / 2},
		"squared":                {Triplet{Margin: 9, Metric: graph.Metric{Kind: graph.SquaredEuclidean, Raw: true}}, (1. + 6) / 2},
		"bounded from below":     {Triplet{Margin: 2.5, Mining: All, Reducer: Reducer{Low: 1}}, 1.5},
		"bounded from above":     {Triplet{Margin: 2.5, Mining: All, Reducer: Reducer{High: 1}}, 0.5},
		"weights of classes":     {Triplet{Margin: 2.5, Mining: All, Reducer: Reducer{ClassWeights: []float64{3, 1}}}, 3},
		"margin of exactly zero": {Triplet{Margin: Exactly0, Mining: All}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if c.loss.Metric.Kind == "" {
				c.loss.Metric = raw
			}
			require.InDelta(t, c.want, value(t, c.loss, x, y), 1e-12)
		})
	}
}

// Hard, semi-hard and easy triplets are all triplets, each once.
func TestMiningsPartAllTriplets(t *testing.T) {
	for seed := range uint64(4) {
		x, y := randomBatch(seed, 20, 3, 4)
		sum := func(m Mining) float64 {
			return value(t, Triplet{Margin: 0.3, Mining: m, Soft: true, MiningMargin: 0.3, Reducer: Reducer{How: Sum}}, x, y)
		}
		require.InDelta(t, sum(All), sum(Hard)+sum(SemiHard)+sum(Easy), 1e-9)
		require.Equal(t, sum(All), sum(BatchAll))
	}
}

// Batch-hard is a maximum and a minimum a row.
func TestBatchHardByRows(t *testing.T) {
	x, y := randomBatch(7, 24, 5, 6)
	want := Func(func(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
		d := graph.Distances(graph.Normalize(graph.Of(embeddings)))
		pos, neg := graph.PairMasks(graph.Data(labels))
		terms := graph.RowMax(pos, d, 0).Sub(graph.RowMin(neg, d, 0)).Plus(0.2).Relu()
		return graph.MeanOver(terms.Detach().Above(0), terms).Node()
	})
	a, err := Evaluate(Triplet{}, x, y, tensor.Float64)
	require.NoError(t, err)
	b, err := Evaluate(want, x, y, tensor.Float64)
	require.NoError(t, err)
	require.InDelta(t, b.Loss, a.Loss, 1e-14)
	require.InDeltaSlice(t, b.Gradient, a.Gradient, 1e-14)
}

func TestTripletRefuses(t *testing.T) {
	x, y := randomBatch(1, 4, 2, 2)
	for want, l := range map[string]Triplet{
		`unknown mining "hardest"`: {Mining: "hardest"},
		"margin is +Inf":           {Margin: math.Inf(1)},
		"margin is NaN":            {Margin: math.NaN()},
		"want 0 ≤ low < high":      {Reducer: Reducer{Low: 2, High: 1}},
	} {
		_, err := Evaluate(l, x, y, tensor.Float64)
		require.ErrorContains(t, err, want)
	}
}

// share runs a monitor's share of active terms.
func activeShare(t *testing.T, m Monitor, x []float64, y []int) float64 {
	t.Helper()
	share := Func(func(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
		s, err := m.ActiveShare(embeddings, labels)
		if err != nil {
			return nil, err
		}
		return graph.Of(s).Add(graph.Of(embeddings).Scale(0).Sum()).Node()
	})
	return value(t, share, x, y)
}

func TestActiveShare(t *testing.T) {
	x, y := []float64{0, 1, 3}, []int{0, 0, 1}
	raw := graph.Metric{Raw: true}
	for name, c := range map[string]struct {
		monitor Monitor
		want    float64
	}{
		"triplet, one of two":               {Triplet{Margin: 1.5, Mining: All, Metric: raw}, 0.5},
		"triplet, soft":                     {Triplet{Margin: 1.5, Mining: All, Metric: raw, Soft: true}, 0.5},
		"triplet, none":                     {Triplet{Margin: 0.5, Metric: raw}, 0},
		"triplet, no triplet":               {Triplet{Mining: Hard, Metric: raw}, 0},
		"contrastive, 4 of 6 ordered pairs": {Contrastive{NegMargin: 2.5, Metric: raw}, 4. / 6},
		"contrastive, all pairs":            {Contrastive{Form: Squared, NegMargin: 4, Metric: raw}, 1},
		"lifted, the one pair":              {LiftedStructure{Form: MaxMargin, Margin: 1.5, Metric: raw}, 1},
		"lifted, the one pair at its ease":  {LiftedStructure{Form: MaxMargin, Margin: 0.5, Metric: raw}, 0},
		"joint, that of the first that can": {&Joint{Parts: []Part{{Loss: &CrossEntropy{Classes: 2}}, {Loss: Triplet{Margin: 1.5, Mining: All, Metric: raw}}}}, 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			require.InDelta(t, c.want, activeShare(t, c.monitor, x, y), 1e-12)
		})
	}
	_, err := (&Joint{}).ActiveShare(nil, nil)
	require.ErrorContains(t, err, "no part")
}
