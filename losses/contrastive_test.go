package losses_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/losses"
	"medusa/miners"
	"medusa/pairs"
)

func init() {
	mappers["ContrastiveLoss"] = func(r *goldenRecord) losses.Loss {
		return losses.Contrastive{PosMargin: r.number("pos_margin", 0), NegMargin: r.number("neg_margin", 1), Metric: r.metric(), Reducer: r.reducer()}
	}
}

func ExampleContrastive() {
	show(losses.Default[losses.Contrastive]())
	show(losses.Contrastive{Form: losses.Squared, NegMargin: 1})
	// With a similarity, what a pair is pushed to is one.
	show(losses.Contrastive{PosMargin: 1, NegMargin: 0, Metric: pairs.Cosine{}})
	// Output:
	// 1.522
	// 0.717
	// 1.500
}

func TestContrastiveProperties(t *testing.T) {
	properties(t, map[string]losses.Contrastive{
		"default":      losses.Default[losses.Contrastive](),
		"margins":      {PosMargin: 0.3, NegMargin: 1.4},
		"squared":      {Form: losses.Squared, NegMargin: 1.5},
		"squared raw":  {Form: losses.Squared, NegMargin: 4, Metric: pairs.LP{Raw: true}},
		"Hadsell":      {Form: losses.Squared, NegMargin: 1, Pooled: true, Reducer: pairs.Sum{}},
		"pooled":       {NegMargin: 1, Pooled: true},
		"cosine":       {PosMargin: 1, Metric: pairs.Cosine{}},
		"p=3":          {NegMargin: 1, Metric: pairs.LP{P: 3}},
		"per anchor":   {NegMargin: 1, Reducer: pairs.PerAnchor{}},
		"bounded":      {NegMargin: 1, Reducer: pairs.Threshold{Low: 0.1, High: 0.9}},
		"batch-hard":   {PosMargin: 0.1, NegMargin: 1.4, Miner: miners.BatchHard{}},
		"semi-hard":    {PosMargin: 0.1, NegMargin: 1.4, Miner: miners.TripletMargin{Type: miners.SemiHard, Margin: 0.3}},
		"pooled mined": {NegMargin: 1.2, Pooled: true, Miner: miners.TripletMargin{Type: miners.Hard}},
	})
}

func TestContrastiveActiveShare(t *testing.T) {
	x, y := []float64{0, 1, 3}, []int{0, 0, 1}
	raw := pairs.LP{Raw: true}
	require.InDelta(t, 4./6, activeShare(t, losses.Contrastive{NegMargin: 2.5, Metric: raw}, x, y), 1e-12, "4 of 6 ordered pairs")
	require.InDelta(t, 1, activeShare(t, losses.Contrastive{Form: losses.Squared, NegMargin: 4, Metric: raw}, x, y), 1e-12)
}

// A literal means what it says.
func TestContrastiveMarginsOf0(t *testing.T) {
	x, y := []float64{0, 1, 3}, []int{0, 0, 1}
	require.InDelta(t, 1, value(t, losses.Contrastive{Metric: pairs.LP{Raw: true}}, x, y), 1e-12, "nobody is pushed")
}

// Points 0 and 1 of one class and 3 of another. Mined pairs: each anchor of the first class has
// its one positive with its one negative; the third has no triplet and so no pair.
func TestContrastiveOfMinedPairs(t *testing.T) {
	x, y := []float64{0, 1, 3}, []int{0, 0, 1}
	raw := pairs.LP{Raw: true}
	l := losses.Contrastive{NegMargin: 4, Metric: raw, Miner: miners.BatchHard{}, Reducer: pairs.Sum{}}
	require.InDelta(t, (1.+1)+(1+2), value(t, l, x, y), 1e-12)
	// All triplets of 4 points: each positive counts for each negative, and the other way round.
	x, y = []float64{0, 1, 3, 5}, []int{0, 0, 1, 2}
	l.Miner = miners.TripletMargin{Type: miners.Easy} // D_an > D_ap: of the triplets all
	const push = 1. + 0 + 2 + 0                       // 4 − D of the pairs (0, 2), (0, 3), (1, 2) and (1, 3), none below 0
	require.InDelta(t, 2*(1.+1)+push, value(t, l, x, y), 1e-12)
	l.Reducer = pairs.Mean{} // of 4 positives, each pair twice, and of 4 negatives
	require.InDelta(t, 1+push/4, value(t, l, x, y), 1e-12)
}

func TestContrastiveRefuses(t *testing.T) {
	refuses(t, map[string]losses.Contrastive{
		"losses: contrastive: neg-margin is -0.5, want at least 0": {NegMargin: -0.5},
		"losses: contrastive: pos-margin: NaN is out of range":     {PosMargin: math.NaN()},
		`losses: contrastive: form: "smooth" is not a choice`:      {Form: losses.Smooth},
		"no margin for positive pairs":                             {Form: losses.Squared, PosMargin: 1},
		"and takes a distance":                                     {Form: losses.Squared, Metric: pairs.Cosine{}},
		"the power is -1":                                          {Metric: pairs.LP{Power: -1}},
	})
	x, y := randomBatch(2, 6, 2, 3)
	value(t, losses.Contrastive{NegMargin: -0.5, Metric: pairs.Cosine{}}, x, y)
}
