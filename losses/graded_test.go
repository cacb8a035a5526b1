package losses_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/losses"
	"medusa/losses/losstest"
	"medusa/miners"
	"medusa/pairs"
)

var sets = [][]float64{{1, 1, 0}, {1, 0, 1}, {0, 0, 1}, {0, 0, 0}}

// The degrees by hand, in a loss that adds up r·d and (1 − r)·[1 − d]₊ over all pairs.
func TestGradedByHand(t *testing.T) {
	x, y := []float64{0, 0.5, 3, 7}, []int{0, 1, 2, 3}
	r := map[losses.Alike][4][4]float64{
		losses.AlikeJaccard: {{0, 1. / 3, 0, 0}, {1. / 3, 0, 0.5, 0}, {0, 0.5, 0, 0}},
		losses.AlikeCosine:  {{0, 0.5, 0, 0}, {0.5, 0, math.Sqrt(0.5), 0}, {0, math.Sqrt(0.5), 0, 0}},
		losses.AlikeAny:     {{0, 1, 0, 0}, {1, 0, 1, 0}, {0, 1, 0, 0}},
	}
	for alike, r := range r {
		want := 0.0
		for i := range x {
			for j := range x {
				if d := math.Abs(x[i] - x[j]); i != j {
					want += r[i][j]*d + (1-r[i][j])*max(1-d, 0)
				}
			}
		}
		of := losses.Contrastive{NegMargin: 1, Metric: pairs.LP{Raw: true}, Reducer: pairs.Sum{}}
		require.InDelta(t, want, value(t, losses.Graded{Of: of, Vectors: sets, Alike: alike}, x, y), 1e-12, alike)
	}
}

// Vectors that tell classes apart make the loss of labels.
func TestGradedOfClasses(t *testing.T) {
	x, y := randomBatch(4, 12, 6, 3)
	unit := [][]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 2}}
	for name, of := range map[string]losses.Loss{
		"contrastive": losses.Contrastive{NegMargin: 1, Reducer: pairs.Mean{}}, "multi-similarity": losses.Default[losses.MultiSimilarity](),
		"generalized": losses.LiftedStructure{Form: losses.Generalized, Margin: 1, Sharpness: 2},
	} {
		for _, alike := range []losses.Alike{losses.AlikeJaccard, losses.AlikeCosine, losses.AlikeAny} {
			require.InDelta(t, value(t, of, x, y), value(t, losses.Graded{Of: of, Vectors: unit, Alike: alike}, x, y), 1e-9, "%s, %s", name, alike)
		}
	}
	hard := losses.Triplet{Margin: 0.2, Miner: miners.BatchHard{}}
	require.InDelta(t, value(t, hard, x, y), value(t, losses.Graded{Of: hard, Vectors: unit, Alike: losses.AlikeAny}, x, y), 1e-12)
}

func TestGradedProperties(t *testing.T) {
	var many [][]float64
	for i := range losstest.Classes {
		many = append(many, []float64{float64(i % 2), float64(i % 3), float64(i % 5)})
	}
	apart := func(u, v graph.Expr) graph.Expr { return graph.DistancesBetween(u, v).Neg().Exp() }
	properties(t, map[string]losses.Graded{
		"contrastive":      {Of: losses.Contrastive{NegMargin: 1, Reducer: pairs.Mean{}}, Vectors: many},
		"multi-similarity": {Of: losses.Default[losses.MultiSimilarity](), Vectors: many, Alike: losses.AlikeCosine},
		"triplets of any":  {Of: losses.Triplet{Margin: 0.4}, Vectors: many, Alike: losses.AlikeAny},
		"of its own":       {Of: losses.Contrastive{NegMargin: 1, Reducer: pairs.Mean{}}, Vectors: many, Match: apart},
	}, losstest.ByClass("labels stand for vectors"))
}

func TestGradedRefuses(t *testing.T) {
	of := losses.Default[losses.Contrastive]()
	refuses(t, map[string]losses.Loss{
		"there are no vectors":                      losses.Graded{Of: of},
		"the vector of label 1 has 1 numbers, want": losses.Graded{Of: of, Vectors: [][]float64{{1, 2}, {1}}},
		"vectors: -1 is out of range":               losses.Graded{Of: of, Vectors: [][]float64{{-1}}},
		"want a whole number from 0 to 1":           losses.Graded{Of: of, Vectors: sets[:2]},
		"Match makes the shape":                     losses.Graded{Of: of, Vectors: sets, Match: func(u, _ graph.Expr) graph.Expr { return u }},
		"give the loss in it the miner":             losses.Mined{Miner: miners.BatchHard{}, Of: losses.Graded{Of: of, Vectors: sets}},
		"of: nil, want a loss":                      losses.Graded{Vectors: sets},
	})
	l := parsed(t, "graded(of=contrastive, vectors=[[1, 0], [1, 1], [0, 1], [1, 2]], alike=cosine)")
	require.Equal(t, [][]float64{{1, 0}, {1, 1}, {0, 1}, {1, 2}}, l.(losses.Graded).Vectors)
	_, err := losses.Parse("graded(vectors=[[1, 0], [1, 1]])", losses.Setting{Classes: 4, EmbeddingSize: 2})
	require.ErrorContains(t, err, "2 vectors for 4 classes, want one for each, in the order of the classes")
	_, err = losses.Evaluate(l, []float64{1, 2}, []int{0, 1}, tensor.Float64)
	require.NoError(t, err)
}

// Labels 0 and 1 have one of three things in common.
func ExampleGraded() {
	show(losses.Graded{Of: losses.Contrastive{NegMargin: 1, Reducer: pairs.Mean{}}, Vectors: [][]float64{{1, 1, 0}, {0, 1, 1}}})
	// Output:
	// 1.368
}
