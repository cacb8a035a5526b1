package losses_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/losses"
	"medusa/losses/losstest"
	"medusa/miners"
	"medusa/pairs"
)

func init() {
	skip("pair_losses.json", "the library gives 0; by the paper's formula positives still compete with each other",
		map[string]any{"loss": "SupConLoss", "case": "noneg5"})
	for _, distance := range []map[string]any{
		{"type": "LpDistance", "p": 2.0, "power": 2.0, "normalize_embeddings": false, "is_inverted": false},
		{"type": "DotProductSimilarity", "p": 2.0, "power": 1.0, "normalize_embeddings": false, "is_inverted": true},
	} {
		skip("losses_by_distance.json", "terms of 10⁻²⁰ are 0 to the library by rounding, and its mean of terms above 0 leaves them out",
			map[string]any{"loss": "SupConLoss", "case": "hand8", "distance": distance})
	}
	mappers["SupConLoss"] = func(r *goldenRecord) losses.Loss {
		return losses.SupCon{Temperature: r.number("temperature", 0.1), Metric: r.metric(), Reducer: r.reducer()}
	}
}

func ExampleSupCon() {
	show(losses.Default[losses.SupCon]())
	show(losses.SupCon{Temperature: 0.5, HardNegatives: 1})
	// Output:
	// 2.533
	// 1.109
}

func TestSupConProperties(t *testing.T) {
	properties(t, map[string]losses.SupCon{
		"default":        losses.Default[losses.SupCon](),
		"warm":           {Temperature: 0.5},
		"hard negatives": {Temperature: 0.5, HardNegatives: 1.5},
		"raw":            {Temperature: 2, Metric: pairs.LP{Raw: true}},
		"mean":           {Temperature: 0.5, Reducer: pairs.Mean{}},
		"batch-hard":     {Temperature: 0.5, Miner: miners.BatchHard{}},
		"semi-hard":      {Temperature: 0.5, Miner: semiHard(0.3), HardNegatives: 1},
	})
	properties(t, map[string]losses.SupCon{"class weights": {Temperature: 0.5, Reducer: classWeights}}, losstest.ByClass("it has weights of classes"))
}

// The formula, with its sums as they stand there.
func TestSupConByFormula(t *testing.T) {
	for seed := range uint64(3) {
		x, y := randomBatch(seed, 11, 3, 4)
		p := newPlain(pairs.Cosine{}, x, y, 0)
		for _, beta := range []float64{0, 0.5, 2} {
			const tau = 0.3
			want, anchors := 0.0, 0.0
			for i := range y {
				var z, weights, weighted, negatives, positives, mean float64
				for j := range y {
					s := -p.d[i][j] / tau
					if p.pos(i, j) {
						z += math.Exp(s)
						mean += s
						positives++
					}
					if p.neg(i, j) {
						weights += math.Exp(beta * s)
						weighted += math.Exp(beta*s) * math.Exp(s)
						negatives++
					}
				}
				if positives > 0 {
					want += math.Log(z+negatives*weighted/weights) - mean/positives
					anchors++
				}
			}
			require.InDelta(t, want/anchors, value(t, losses.SupCon{Temperature: tau, HardNegatives: beta}, x, y), 1e-12)
		}
	}
}

// Of one class, positives compete with each other alone.
func TestSupConOfOneClass(t *testing.T) {
	x, y := []float64{0, 1, 3}, []int{5, 5, 5}
	l := losses.SupCon{Temperature: 1, Metric: pairs.LP{Raw: true}}
	two := func(a, b float64) float64 { return math.Log(math.Exp(-a)+math.Exp(-b)) + (a+b)/2 }
	want := (two(1, 3) + two(1, 2) + two(3, 2)) / 3
	require.InDelta(t, want, value(t, l, x, y), 1e-12)
	l.HardNegatives = 2
	require.InDelta(t, want, value(t, l, x, y), 1e-12)
}

func TestSupConRefuses(t *testing.T) {
	refuses(t, map[string]losses.SupCon{
		"losses: supcon: temperature: 0 is out of range":     {},
		"losses: supcon: hard-negatives: -1 is out of range": {Temperature: 1, HardNegatives: -1},
	})
}
