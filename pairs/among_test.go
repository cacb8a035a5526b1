package pairs_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
	"medusa/miners"
	"medusa/pairs"
)

// Pairs that are not there count nowhere: not among those of labels, nor of triplets, nor of what a
// miner chooses, nor seen from the reference set.
func TestPairsThatAreNotThere(t *testing.T) {
	x, y := graphtest.Of([]float64{0, 5}, 2, 1), graphtest.Data([]float64{0, 1}, 2)
	ref, labels := graphtest.Of([]float64{1, 2, 9, 4}, 4, 1), graphtest.Data([]float64{0, 0, 1, 1}, 4)
	among := graphtest.Data([]float64{1, 0, 1, 0, 1, 1, 0, 1}, 2, 4) // without (0,2), (0,4), (5,9)
	raw := pairs.LP{Raw: true}
	sum := func(of func(b pairs.Batch) graph.Expr) float64 {
		v, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
			return of(pairs.Batch{X: in[0], Labels: in[1], Ref: in[2], RefLabels: in[3], Chosen: pairs.Selection{Among: in[4]}})
		}, x, y, ref, labels, among)
		require.NoError(t, err)
		return v[0]
	}
	reduced := func(c pairs.Compared) graph.Expr {
		return pairs.Terms{c.Term("pos", c.Pos, c.D), c.Term("neg", c.Neg, c.D.Scale(100))}.Reduce(pairs.Sum{})
	}
	want := 1.0 + 1 + 100*(9+4+3) // 0–1, 5–4; 0–9, 5–1, 5–2
	require.Equal(t, want, sum(func(b pairs.Batch) graph.Expr { return reduced(b.Compare(raw)) }))
	require.Equal(t, want, sum(func(b pairs.Batch) graph.Expr { return reduced(b.Compare(raw).Turned()) }))
	triplets := func(b pairs.Batch) graph.Expr {
		return pairs.Terms{b.Triplets("loss", raw, graph.Triplets{Margin: 10})}.Reduce(pairs.Sum{})
	}
	require.Equal(t, (1-9+10)+(1-4+10)+(1-3+10.0), sum(triplets))
	require.Equal(t, (1-9+10)+(1-3+10.0), sum(func(b pairs.Batch) graph.Expr { return triplets(miners.Choose(miners.BatchHard{}, b, raw)) }))
	hard := miners.TripletMargin{Type: miners.All, Margin: 2.5} // but what is farther than the margin
	require.Equal(t, 1-3+10.0, sum(func(b pairs.Batch) graph.Expr { return triplets(miners.Choose(hard, b, raw)) }))
}
