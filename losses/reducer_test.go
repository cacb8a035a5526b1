package losses

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

// Terms of three anchors, of which the last entry of the first row and the whole last row
// are masked out.
func TestReducers(t *testing.T) {
	terms := []float64{1, 0, 9, 2, 4, 6, 7, 8, 9}
	mask := []float64{1, 1, 0, 1, 1, 1, 0, 0, 0}
	for name, c := range map[string]struct {
		r    Reducer
		want float64
	}{
		"mean":       {Reducer{How: Mean}, 13. / 5},
		"non-zero":   {Reducer{How: NonZero}, 13. / 4},
		"sum":        {Reducer{How: Sum}, 13},
		"per anchor": {Reducer{How: PerAnchor}, (0.5 + 4 + 0) / 3},
		"above":      {Reducer{How: Mean, Low: 1}, 12. / 3},
		"below":      {Reducer{How: Mean, High: 4}, 3. / 3},
		"between":    {Reducer{How: NonZero, Low: 1, High: 5}, 3},
		"none left":  {Reducer{How: Mean, Low: 10}, 0},
		"weighted":   {Reducer{How: Mean, ClassWeights: []float64{10, 100}}, (100*1 + 10*12) / 5.},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := c.r.or(Mean)
			require.NoError(t, err)
			got, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
				return r.reduce(in[0], in[1], in[2])
			}, graphtest.Of(terms, 3, 3), graphtest.Data(mask, 3, 3), graphtest.Data([]float64{1, 0, 0}, 3))
			require.NoError(t, err)
			require.InDelta(t, c.want, got[0], 1e-12)
		})
	}
}

func TestClassWeightsCoverTheLabels(t *testing.T) {
	x, y := randomBatch(2, 6, 2, 3)
	for _, weights := range [][]float64{{1, 2}, {}} {
		_, err := Evaluate(Contrastive{Reducer: Reducer{ClassWeights: weights}}, x, y, tensor.Float64)
		require.Error(t, err)
	}
	two := &Joint{Parts: []Part{
		{Loss: Contrastive{Reducer: Reducer{ClassWeights: []float64{1, 2, 3}}}},
		{Loss: Contrastive{Reducer: Reducer{ClassWeights: []float64{2, 4, 6}}}},
	}}
	one := value(t, Contrastive{Reducer: Reducer{ClassWeights: []float64{1, 2, 3}}}, x, y)
	require.InDelta(t, 3*one, value(t, two, x, y), 1e-12)
}
