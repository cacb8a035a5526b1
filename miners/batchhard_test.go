package miners_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
	"medusa/miners"
	"medusa/pairs"
)

// chosen are the matrices of positive and of negative pairs, (B, M), that a loss sees of what a
// miner chooses, of embeddings (B, 1); and the selection's own.
func chosen(t *testing.T, m miners.Miner, x, labels []float64, ref ...[]float64) (pos, neg []float64) {
	t.Helper()
	in := []graphtest.Input{graphtest.Data(x, len(x), 1), graphtest.Data(labels, len(x))}
	if len(ref) > 0 {
		in = append(in, graphtest.Data(ref[0], len(ref[0]), 1), graphtest.Data(ref[1], len(ref[0])))
	}
	side := func(negative bool) []float64 {
		v, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
			b := pairs.Batch{X: in[0], Labels: in[1]}
			if len(in) > 2 {
				b.Ref, b.RefLabels = in[2], in[3]
			}
			metric := pairs.LP{Raw: true}
			c := miners.Choose(m, b, metric).Compare(metric)
			if negative {
				return c.Neg.Scale(1)
			}
			return c.Pos.Scale(1)
		}, in...)
		require.NoError(t, err)
		return v
	}
	return side(false), side(true)
}

// Points 0, 1 and 4 of one class, 2 and 9 of another, 20 alone.
func TestBatchHard(t *testing.T) {
	pos, neg := chosen(t, miners.BatchHard{}, []float64{0, 1, 4, 2, 9, 20}, []float64{0, 0, 0, 1, 1, 2})
	require.Equal(t, []float64{
		0, 0, 1, 0, 0, 0,
		0, 0, 1, 0, 0, 0,
		1, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 1, 0,
		0, 0, 0, 1, 0, 0,
		0, 0, 0, 0, 0, 0, // without a positive it has no triplet
	}, pos)
	require.Equal(t, []float64{
		0, 0, 0, 1, 0, 0,
		0, 0, 0, 1, 0, 0,
		0, 0, 0, 1, 0, 0,
		0, 1, 0, 0, 0, 0,
		0, 0, 1, 0, 0, 0,
		0, 0, 0, 0, 0, 0,
	}, neg)
}

// Compared with a reference set, no row is its own pair.
func TestBatchHardOfAReferenceSet(t *testing.T) {
	pos, neg := chosen(t, miners.BatchHard{}, []float64{0, 5}, []float64{0, 1}, []float64{0, 2, 6}, []float64{0, 0, 1})
	require.Equal(t, []float64{0, 1, 0, 0, 0, 1}, pos)
	require.Equal(t, []float64{0, 0, 1, 0, 1, 0}, neg)
}

// One class, or none twice, has no triplet.
func TestBatchHardOfNoTriplet(t *testing.T) {
	for _, labels := range [][]float64{{0, 0, 0}, {0, 1, 2}} {
		pos, neg := chosen(t, miners.BatchHard{}, []float64{0, 1, 3}, labels)
		require.Equal(t, make([]float64, 9), pos)
		require.Equal(t, make([]float64, 9), neg)
	}
}

// A miner chooses of what the batch's selection leaves, by a metric of its own.
func TestBatchHardOfASelection(t *testing.T) {
	all := func(in []graph.Expr) graph.Expr {
		b := pairs.Batch{X: in[0], Labels: in[1]}
		c := b.Compare(pairs.LP{Raw: true})
		b.Chosen = pairs.Selection{Pos: c.Pos, Neg: c.Neg.Mul(c.D.Above(2))}
		return miners.BatchHard{Metric: pairs.LP{Power: 2, Raw: true}}.Mine(b).Neg.Scale(1)
	}
	v, _, err := graphtest.Eval(tensor.Float64, all, graphtest.Data([]float64{0, 1, 3, 5}, 4, 1), graphtest.Data([]float64{0, 0, 1, 1}, 4))
	require.NoError(t, err)
	require.Equal(t, []float64{0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0}, v)
}

func ExampleBatchHard() {
	// Points 0, 1 and 3; the first two are of one class.
	v, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
		chosen := miners.BatchHard{Metric: pairs.LP{Raw: true}}.Mine(pairs.Batch{X: in[0], Labels: in[1]})
		return chosen.Neg.Scale(1)
	}, graphtest.Data([]float64{0, 1, 3}, 3, 1), graphtest.Data([]float64{0, 0, 1}, 3))
	fmt.Println(v, err)
	// Output:
	// [0 0 1 0 0 1 0 1 0] <nil>
}
