package pairs_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
	"medusa/pairs"
)

// Points 0, 1, 3 of one class, 2 of another. D_ap of 0: 1, 3; of 1: 1, 2; of 3: 3, 2. D_an: 2, 1, 1.
// The terms D_ap − D_an + 5 of the triplets (a, p): (0, 1) 4, (0, 2) 6, (1, 0) 5, (1, 2) 6, (2, 0) 7,
// (2, 1) 6.
func sumOfTriplets(t *testing.T, r pairs.Reducer, choose func(b pairs.Batch, in []graph.Expr) pairs.Selection, more ...graphtest.Input) float64 {
	t.Helper()
	in := append([]graphtest.Input{graphtest.Data([]float64{0, 1, 3, 2}, 4, 1), graphtest.Data([]float64{0, 0, 0, 1}, 4)}, more...)
	v, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
		b := pairs.Batch{X: in[0], Labels: in[1]}
		b.Chosen = choose(b, in[2:])
		return pairs.Terms{b.Triplets("loss", pairs.LP{Raw: true}, graph.Triplets{Margin: 5})}.Reduce(r)
	}, in...)
	require.NoError(t, err)
	return v[0]
}

func TestTripletsThatAreChosen(t *testing.T) {
	all := func(pairs.Batch, []graph.Expr) pairs.Selection { return pairs.Selection{} }
	require.InDelta(t, 34., sumOfTriplets(t, pairs.Sum{}, all), 1e-12)

	// By squares, D_an − D_ap ≤ −3 of (0, 2), (1, 2), (2, 0) and (2, 1).
	window := func(b pairs.Batch, _ []graph.Expr) pairs.Selection {
		return pairs.Selection{Window: pairs.Window{D: b.Compare(pairs.LP{Raw: true, Power: 2}).D, Above: math.Inf(-1), AtMost: -3}}
	}
	require.InDelta(t, 6+6+7+6., sumOfTriplets(t, pairs.Sum{}, window), 1e-12)

	// D_pn is 1 from 1 and 3, and 2 from 0.
	sides := func(b pairs.Batch, _ []graph.Expr) pairs.Selection {
		return pairs.Selection{Window: pairs.Window{D: b.Compare(pairs.LP{Raw: true}).D, Above: 0, AtMost: 1, Sides: graph.Sides{PN: 1}}}
	}
	require.InDelta(t, 4+6+6+6., sumOfTriplets(t, pairs.Sum{}, sides), 1e-12)

	partners := func(_ pairs.Batch, in []graph.Expr) pairs.Selection { return pairs.Selection{Partners: in[0]} }
	require.InDelta(t, 4+7., sumOfTriplets(t, pairs.Sum{}, partners,
		graphtest.Data([]float64{-1, 3, -1, 3, -1, -1, 2, -1, 3, -1, -1, -1, 3, 3, 3, 3}, 4, 4)), 1e-12, "column 2 is no negative of row 1")

	// Counts and weights of pairs multiply.
	of := func(hold pairs.Hold) func(_ pairs.Batch, in []graph.Expr) pairs.Selection {
		return func(_ pairs.Batch, in []graph.Expr) pairs.Selection {
			return pairs.Selection{Pos: in[0], Neg: in[1], Hold: hold}
		}
	}
	pos, neg := make([]float64, 16), make([]float64, 16)
	pos[1], pos[2], neg[3] = 2, 1, 3 // of row 0
	counted := []graphtest.Input{graphtest.Data(pos, 4, 4), graphtest.Data(neg, 4, 4)}
	require.InDelta(t, 6*4+3*6., sumOfTriplets(t, pairs.Sum{}, of(pairs.Counts), counted...), 1e-12)
	require.InDelta(t, (6*4+3*6.)/9, sumOfTriplets(t, pairs.Mean{}, of(pairs.Weights), counted...), 1e-12)
	neg[3] = 0.01
	require.InDelta(t, (2*4+6.)/3, sumOfTriplets(t, pairs.Mean{}, of(pairs.Weights), counted...), 1e-12, "weights may be small")
}

// Of a selection and what is there in its place the one counts that is not empty, to losses over
// pairs and over triplets.
func TestSelectionOr(t *testing.T) {
	for on, want := range map[float64]float64{1: 34, 0: 6 + 6 + 7 + 6} {
		either := func(b pairs.Batch, in []graph.Expr) pairs.Selection {
			first := b.When(in[0].Sum())
			b.Chosen.Window = pairs.Window{D: b.Compare(pairs.LP{Raw: true, Power: 2}).D, Above: math.Inf(-1), AtMost: -3}
			second := b.When(in[0].Not().Sum())
			first.Or = &second
			require.True(t, first.OfTriplets())
			c := pairs.Batch{X: b.X, Labels: b.Labels, Chosen: first}.Compare(pairs.LP{Raw: true})
			require.Equal(t, pairs.Counts, c.Hold)
			return first
		}
		require.InDelta(t, want, sumOfTriplets(t, pairs.Sum{}, either, graphtest.Data([]float64{on}, 1)), 1e-12)
	}
}

// A window that looks at positive and negative of a reference set must be told of its distances.
func TestWindowOfAReferenceSet(t *testing.T) {
	of := func(told bool) (float64, error) {
		v, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
			b, m := pairs.Batch{X: in[0], Labels: in[1], Ref: in[2], RefLabels: in[3]}, pairs.LP{Raw: true}
			w := pairs.Window{D: b.Compare(m).D, Above: 2, AtMost: 3, Sides: graph.Sides{PN: 1}}
			if told {
				w.Among = b.Among(m)
			}
			b.Chosen.Window = w
			return pairs.Terms{b.Triplets("loss", m, graph.Triplets{Margin: 5})}.Reduce(pairs.Sum{})
		}, graphtest.Data([]float64{0}, 1, 1), graphtest.Data([]float64{0}, 1), graphtest.Data([]float64{1, 2, 4}, 3, 1), graphtest.Data([]float64{0, 0, 1}, 3))
		if err != nil {
			return 0, err
		}
		return v[0], nil
	}
	got, err := of(true)
	require.NoError(t, err)
	require.InDelta(t, 1-4+5., got, 1e-12, "positive 1 and negative 4 are 3 apart, 2 and 4 only 2")
	_, err = of(false)
	require.ErrorContains(t, err, "want those among its rows, (3, 3), in Among")
}
