package pairs_test

import (
	"math"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
	"medusa/pairs"
)

// Points 0, 1, 3, 4 and 9 of the classes 0, 0, 0, 1 and 2.
var (
	line       = graphtest.Of([]float64{0, 1, 3, 4, 9}, 5, 1)
	lineLabels = graphtest.Data([]float64{0, 0, 0, 1, 2}, 5)
)

// Terms that count several times, and what repeats them: an anchor of class 0 has 2 positives and 2
// negatives, the others have no positive.
func TestRepeated(t *testing.T) {
	raw := pairs.LP{Raw: true}
	for name, c := range map[string]struct {
		of   func(c pairs.Compared) graph.Expr
		want []float64
	}{
		"times of positives": {func(c pairs.Compared) graph.Expr { pos, _ := c.AsInTriplets(); return pos }, []float64{2, 2, 2, 3 + 1, 4}},
		"times of negatives": {func(c pairs.Compared) graph.Expr { _, neg := c.AsInTriplets(); return neg }, []float64{2, 2, 2, 0, 0}},
		"mean": {func(c pairs.Compared) graph.Expr {
			times := c.Labels.Reshape(5, 1).Affine(-1, 3) // 3, 3, 3, 2, 1
			return pairs.Terms{c.Term("neg", c.Neg, c.D).Repeated(times)}.Reduce(pairs.Mean{})
		}, []float64{(3*(4+9+3+8+1+6) + 2*(4+3+1+5) + 9 + 8 + 6 + 5) / float64(3*6+2*4+4)}},
	} {
		got, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
			return c.of(pairs.Batch{X: in[0], Labels: in[1]}.Compare(raw)).Add(in[0].Sum().Scale(0))
		}, line, lineLabels)
		require.NoError(t, err, name)
		require.InDeltaSlice(t, c.want, got, 1e-12, name)
	}
}

// Of pairs that are listed several times the triplets are as many as their products; of a window
// and of single triplets the pairs tell by themselves.
func TestAsInTriplets(t *testing.T) {
	raw := pairs.LP{Raw: true}
	times := func(chosen func(in []graph.Expr) pairs.Selection) []float64 {
		got, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
			pos, neg := pairs.Batch{X: in[0], Labels: in[1], Chosen: chosen(in)}.Compare(raw).AsInTriplets()
			return graph.Concat(1, pos, neg).Add(in[0].Sum().Scale(0))
		}, graphtest.Of([]float64{0, 1, 3}, 3, 1), graphtest.Data([]float64{0, 0, 1}, 3),
			graphtest.Data([]float64{0, 2, 0, 1, 0, 0, 0, 0, 0}, 3, 3), graphtest.Data([]float64{0, 0, 3, 0, 0, 1, 0, 0, 0}, 3, 3))
		require.NoError(t, err)
		return got
	}
	require.Equal(t, []float64{3, 2, 1, 1, 0, 0}, times(func(in []graph.Expr) pairs.Selection {
		return pairs.Selection{Pos: in[2], Neg: in[3], Hold: pairs.Counts}
	}))
	require.Equal(t, []float64{1, 1, 1, 1, 1, 1}, times(func(in []graph.Expr) pairs.Selection {
		return pairs.Selection{Window: pairs.Window{D: raw.Between(in[0], in[0]), Above: math.Inf(-1), AtMost: math.Inf(1)}}
	}))
	require.Equal(t, []float64{1, 1, 1, 1, 1, 1}, times(func([]graph.Expr) pairs.Selection { return pairs.Selection{Single: true} }))
}

var errNone = errors.New("no such batch")

// The errors of a batch come out of everything that is made of it, whatever reduces it.
func TestErrorsOfBins(t *testing.T) {
	bad := pairs.Batch{X: graph.Fail(errNone), Labels: graph.Fail(errNone)}
	numbers, parts := bad.TripletBins(pairs.LP{}, -1, 1, 3)
	require.ErrorIs(t, numbers.Err(), errNone)
	require.ErrorIs(t, parts.Err(), errNone)
	pos, neg := bad.Compare(pairs.LP{}).AsInTriplets()
	require.ErrorIs(t, pos.Err(), errNone)
	require.ErrorIs(t, neg.Err(), errNone)
	require.ErrorIs(t, pairs.Terms{pairs.Fail("loss", errNone)}.Reduce(pairs.Divisor{}).Err(), errNone)
}
