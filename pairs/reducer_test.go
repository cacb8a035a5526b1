package pairs_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
	"medusa/pairs"
)

// given is a metric of one's own: the embeddings are the comparisons.
type given struct{ similarity bool }

func (given) Between(x, _ graph.Expr) graph.Expr { return x }
func (m given) Similarity() bool                 { return m.similarity }

// reduced is what a reducer makes of terms (3, 3) where mask is not 0, of anchors with the labels
// 1, 0 and 0.
func reduced(t *testing.T, r pairs.Reducer, terms, mask []float64, hold pairs.Hold) float64 {
	t.Helper()
	got, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
		b := pairs.Batch{X: in[0], Labels: in[2], Chosen: pairs.Selection{Pos: in[1], Neg: in[1], Hold: hold}}
		c := b.Compare(given{})
		term := c.Term("pos", c.Pos, c.D)
		term.Divisor = in[2].Sum().Scale(4)
		return pairs.Terms{term}.Reduce(r)
	}, graphtest.Of(terms, 3, 3), graphtest.Data(mask, 3, 3), graphtest.Data([]float64{1, 0, 0}, 3))
	require.NoError(t, err)
	return got[0]
}

// Terms of three anchors, of which the last entry of the first row and the whole last row
// are masked out.
func TestReducers(t *testing.T) {
	terms := []float64{1, 0, 9, 2, 4, 6, 7, 8, 9}
	mask := []float64{1, 1, 0, 1, 1, 1, 0, 0, 0}
	inf := math.Inf(1)
	weights := pairs.ClassWeighted{Weights: []float64{10, 100}}
	for name, c := range map[string]struct {
		r    pairs.Reducer
		want float64
	}{
		"mean":                       {pairs.Mean{}, 13. / 5},
		"non-zero":                   {pairs.NonZero{}, 13. / 4},
		"sum":                        {pairs.Sum{}, 13},
		"per anchor":                 {pairs.PerAnchor{}, (0.5 + 4 + 0) / 3},
		"per anchor, non-zero":       {pairs.PerAnchor{Of: pairs.NonZero{}}, (0.5 + 4) / 2},
		"per anchor, sum":            {pairs.PerAnchor{Of: pairs.Sum{}}, 4.5},
		"per anchor, above":          {pairs.PerAnchor{Of: pairs.Threshold{Low: 1}}, 4},
		"above, per anchor":          {pairs.Threshold{Low: 2, Of: pairs.PerAnchor{}}, (0 + 5 + 0) / 3.},
		"per anchor, weighted":       {pairs.PerAnchor{Of: weights}, (100*0.5 + 10*4) / 3},
		"above":                      {pairs.Threshold{Low: 1}, 12. / 3},
		"above 0":                    {pairs.Threshold{}, 13. / 4},
		"below":                      {pairs.Threshold{Low: -inf, High: 4}, 3. / 3},
		"between":                    {pairs.Threshold{Low: 1, High: 5}, 3},
		"between, twice":             {pairs.Threshold{Low: 1, Of: pairs.Threshold{High: 5}}, 3},
		"between, sum":               {pairs.Threshold{Low: 1, High: 5, Of: pairs.Sum{}}, 6},
		"none left":                  {pairs.Threshold{Low: 10}, 0},
		"weighted":                   {weights, (100*1 + 10*12) / 5.},
		"weighted, sum":              {pairs.ClassWeighted{Weights: weights.Weights, Of: pairs.Sum{}}, 220},
		"weighted, non-zero":         {pairs.ClassWeighted{Weights: weights.Weights, Of: pairs.NonZero{}}, 220 / 4.},
		"over a number":              {pairs.Divisor{By: 26}, 0.5},
		"over the loss's own number": {pairs.Divisor{}, 13. / 4},
		"by name":                    {pairs.Multiple{By: map[string]pairs.Reducer{"pos": pairs.Sum{}}}, 13},
	} {
		t.Run(name, func(t *testing.T) {
			require.InDelta(t, c.want, reduced(t, c.r, terms, mask, pairs.Masks), 1e-12)
		})
	}
}

// A pair that counts twice is two terms; one of weight ½ is half a term.
func TestReducersOfWeights(t *testing.T) {
	terms := []float64{1, 0, 9, 2, 4, 6, 7, 8, 9}
	weights := []float64{2, 1, 0, 0.5, 0, 0, 0, 0, 0}
	for name, c := range map[string]struct {
		r    pairs.Reducer
		want float64
	}{
		"mean":       {pairs.Mean{}, 3 / 3.5},
		"non-zero":   {pairs.NonZero{}, 3 / 2.5},
		"sum":        {pairs.Sum{}, 3},
		"per anchor": {pairs.PerAnchor{}, (2/3. + 1/0.5) / 3},
		"below":      {pairs.Threshold{Low: math.Inf(-1), High: 2}, 2. / 3},
	} {
		require.InDelta(t, c.want, reduced(t, c.r, terms, weights, pairs.Weights), 1e-12, name)
	}
	none := make([]float64, 9)
	require.Zero(t, reduced(t, pairs.Mean{}, terms, none, pairs.Weights))
	none[0] = 0.25
	require.InDelta(t, 1, reduced(t, pairs.Mean{}, terms, none, pairs.Weights), 1e-12, "a mean divides by a weight below 1")
}

// Terms below 0 count as others do.
func TestNegativeTerms(t *testing.T) {
	terms := []float64{-3, 1, 0, -5, 0, 0, 0, 0, 0}
	mask := []float64{1, 1, 0, 1, 0, 0, 0, 0, 0}
	require.InDelta(t, -7./3, reduced(t, pairs.Mean{}, terms, mask, pairs.Masks), 1e-12)
	require.InDelta(t, -7., reduced(t, pairs.Sum{}, terms, mask, pairs.Masks), 1e-12)
}

func TestReducersRefuse(t *testing.T) {
	of := func(r pairs.Reducer) error {
		_, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
			c := pairs.Batch{X: in[0], Labels: in[1]}.Compare(pairs.LP{})
			return pairs.Terms{c.Term("pos", c.Pos, c.D), c.Term("neg", c.Neg, c.D)}.Reduce(r)
		}, graphtest.Of([]float64{1, 2, 3, 5, 4, 9}, 3, 2), graphtest.Data([]float64{0, 0, 1}, 3))
		return err
	}
	for want, r := range map[string]pairs.Reducer{
		"the reducer is nil":                                  nil,
		"between 2 and 1, want low < high":                    pairs.Threshold{Low: 2, High: 1},
		"between NaN and +Inf":                                pairs.Threshold{Low: math.NaN()},
		"no weights, want one for each class":                 pairs.ClassWeighted{},
		"the weight of class 1 is -1":                         pairs.ClassWeighted{Weights: []float64{1, -1}},
		"want a whole number from 0 to 0":                     pairs.ClassWeighted{Weights: []float64{1}}, // of the labels 0 and 1
		"by -1, want a number of at least 0":                  pairs.Divisor{By: -1},
		`"pos" has no divisor of its own`:                     pairs.Divisor{},
		`no sub-loss is named "post"; this loss has pos, neg`: pairs.Threshold{Of: pairs.Multiple{By: map[string]pairs.Reducer{"post": pairs.Sum{}}}},
		`the reducer of "neg" is nil`:                         pairs.Multiple{By: map[string]pairs.Reducer{"neg": nil}},
	} {
		require.ErrorContains(t, of(r), want)
	}
	require.ErrorContains(t, pairs.Terms{}.Reduce(pairs.Mean{}).Err(), "no terms")
	require.ErrorContains(t, pairs.Terms{{Name: "mine"}}.Reduce(pairs.Mean{}).Err(), `the term "mine" is empty`)
}

func ExampleReducer() {
	for _, text := range []string{"non-zero", "threshold(low=0.1, of=per-anchor)", "multiple(by={pos: sum}, else=mean)"} {
		r, err := pairs.ParseReducer(text)
		fmt.Printf("%T %v\n", r, err)
	}
	// Output:
	// pairs.NonZero <nil>
	// pairs.Threshold <nil>
	// pairs.Multiple <nil>
}
