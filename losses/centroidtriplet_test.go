package losses_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/losses"
	"medusa/miners"
	"medusa/pairs"
)

func ExampleCentroidTriplet() {
	show(losses.Default[losses.CentroidTriplet]())
	// Output: 1.194
}

// Points 0, 1 and 2 of a class, 4 and 5 of another, 9 of a third, with squared distances: of the
// first the centre without it is 1.5, the others' are 4.5 and 9.
func TestCentroidTriplet(t *testing.T) {
	x, y := []float64{0, 1, 2, 4, 5, 9}, []int{0, 0, 0, 1, 1, 2}
	own := []float64{2.25, 0, 2.25, 1, 1}
	others := [][]float64{{20.25, 81}, {12.25, 64}, {6.25, 49}, {9, 25}, {16, 16}}
	hinge := func(v float64) float64 { return math.Max(v, 0) }
	soft := func(v float64) float64 { return math.Log1p(math.Exp(v)) }
	sum := func(of func(v float64) float64, margin float64, hardest bool) (sum float64) {
		for a, far := range others {
			for i, d := range far {
				if !hardest || i == 0 {
					sum += of(own[a] - d + margin)
				}
			}
		}
		return sum
	}
	for _, l := range []losses.CentroidTriplet{{Margin: 20}, {Margin: 20, Hardest: true}, {Margin: 3, Soft: true}, {Soft: true, Hardest: true}} {
		of := hinge
		if l.Soft {
			of = soft
		}
		l.Metric, l.Reducer = pairs.LP{Power: 2, Raw: true}, pairs.Sum{}
		require.InDelta(t, sum(of, l.Margin, l.Hardest), value(t, l, x, y), 1e-9, "%+v", l)
	}
	l := losses.CentroidTriplet{Margin: 20, Metric: pairs.LP{Power: 2, Raw: true}}
	require.InDelta(t, 0.6, activeShare(t, l, x, y), 1e-12, "of ten triplets four are at their ease")
	require.Zero(t, value(t, l, x, []int{0, 0, 0, 0, 0, 0}))
	require.Zero(t, value(t, l, x, []int{0, 1, 2, 3, 4, 5}))
}

// Of a reference set the centres are whole: the batch is not in it.
func TestCentroidTripletOfReference(t *testing.T) {
	l := losses.CentroidTriplet{Margin: 2, Metric: pairs.LP{Raw: true}, Reducer: pairs.Sum{}}
	e, err := losses.NewReferenceEvaluator(l, 3, 4, 1, tensor.Float64)
	require.NoError(t, err)
	defer e.Close()
	v, err := e.ValueBetween(losses.Rows{Embeddings: []float64{0, 5, 7}, Labels: []int{0, 1, 4}}, losses.Rows{Embeddings: []float64{1, 3, 4, 2}, Labels: []int{0, 0, 1, 2}})
	require.NoError(t, err)
	// Centres 2, 4 and 2: of 0 the terms are 2 − 4 + 2 and 2 − 2 + 2, of 5 they are 1 − 3 + 2 twice;
	// 7 has no class there.
	require.InDelta(t, 2, v.Loss, 1e-12)
}

func TestCentroidTripletProperties(t *testing.T) {
	properties(t, map[string]losses.CentroidTriplet{
		"default": losses.Default[losses.CentroidTriplet](),
		"soft":    {Soft: true, Metric: pairs.LP{Raw: true}, Reducer: pairs.Mean{}},
		"hardest": {Margin: 0.5, Hardest: true},
		"cosine":  {Margin: 0.4, Metric: pairs.Cosine{}, Reducer: pairs.PerAnchor{}},
	})
}

func TestCentroidTripletRefuses(t *testing.T) {
	refuses(t, map[string]losses.Loss{
		"losses: centroid-triplet: margin: -1 is out of range": losses.CentroidTriplet{Margin: -1},
		"leave the miner out": losses.Mined{Miner: miners.BatchHard{}, Of: losses.CentroidTriplet{Margin: 1}},
	})
}
