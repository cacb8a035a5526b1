package pairs_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
	"medusa/miners"
	"medusa/pairs"
)

// Points 0, 1 | 2, 9. Batch-hard chooses the triplets (anchor, positive, negative) (0, 1, 2),
// (1, 0, 2), (2, 3, 1) and (3, 2, 1) by their positions; hard ones, D(a,n) ≤ D(a,p), are (1, 0, 2),
// (2, 3, 0) and (2, 3, 1).
func TestSampleWeights(t *testing.T) {
	raw := pairs.LP{Raw: true}
	none := make([]float64, 16)
	pair := func(row, column int, times float64) []float64 {
		m := make([]float64, 16)
		m[row*4+column] = times
		return m
	}
	for name, c := range map[string]struct {
		miner    miners.Miner // nil: the pairs
		pos, neg []float64
		anchors  bool
		want     []float64 // how often; the weight is that over the largest
	}{
		"a triplet of each":             {miners.BatchHard{Metric: raw}, none, none, false, []float64{2, 4, 4, 2}},
		"as anchors":                    {miners.BatchHard{Metric: raw}, none, none, true, []float64{1, 1, 1, 1}},
		"triplets of a window":          {miners.TripletMargin{Type: miners.Hard, Metric: raw}, none, none, false, []float64{2, 2, 3, 2}},
		"triplets of a window, anchors": {miners.TripletMargin{Type: miners.Hard, Metric: raw}, none, none, true, []float64{0, 1, 2, 0}},
		"pairs":                         {nil, pair(0, 1, 1), pair(0, 2, 1), false, []float64{2, 1, 1, 0}},
		"pairs, one of them twice":      {nil, pair(0, 1, 2), pair(3, 2, 1), false, []float64{2, 2, 1, 1}},
		"pairs, anchors":                {nil, pair(0, 1, 2), pair(3, 2, 1), true, []float64{2, 0, 0, 1}},
		"nothing":                       {nil, none, none, false, []float64{1, 1, 1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			v, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
				b := pairs.Batch{X: in[0], Labels: in[1], Chosen: pairs.Selection{Pos: in[2], Neg: in[3], Hold: pairs.Counts}}
				if c.miner != nil {
					b.Chosen = pairs.Selection{}
					b = miners.Choose(c.miner, b, nil)
				}
				w, some := b.SampleWeights(c.anchors)
				require.True(t, some)
				require.True(t, w.IsData())
				return w.Scale(1)
			}, graphtest.Data([]float64{0, 1, 2, 9}, 4, 1), graphtest.Data([]float64{0, 0, 1, 1}, 4), graphtest.Data(c.pos, 4, 4), graphtest.Data(c.neg, 4, 4))
			require.NoError(t, err)
			largest := slices.Max(c.want)
			for i := range c.want {
				require.InDelta(t, c.want[i]/largest, v[i], 1e-12, "sample %d of %v", i, v)
			}
		})
	}
	_, some := pairs.Batch{}.SampleWeights(false)
	require.False(t, some)
	w, some := pairs.Batch{Chosen: pairs.Selection{Single: true}}.SampleWeights(false)
	require.True(t, some)
	require.Error(t, w.Err())
}
