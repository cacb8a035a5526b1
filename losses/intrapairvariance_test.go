package losses_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/losses"
	"medusa/losses/losstest"
	"medusa/miners"
	"medusa/pairs"
)

func init() {
	mappers["IntraPairVarianceLoss"] = func(r *goldenRecord) losses.Loss {
		return losses.IntraPairVariance{PosEps: r.number("pos_eps", 0.01), NegEps: r.number("neg_eps", 0.01), Metric: r.metric(), Reducer: r.reducer()}
	}
}

func ExampleIntraPairVariance() {
	show(losses.Default[losses.IntraPairVariance]())
	// Output:
	// 0.305
}

func TestIntraPairVarianceProperties(t *testing.T) {
	properties(t, map[string]losses.IntraPairVariance{
		"default":    losses.Default[losses.IntraPairVariance](),
		"exact":      {},
		"tolerant":   {PosEps: 0.2, NegEps: 0.3},
		"euclidean":  {PosEps: 0.05, NegEps: 0.05, Metric: pairs.LP{}},
		"raw":        {Metric: pairs.LP{Raw: true}, Reducer: pairs.NonZero{}},
		"per anchor": {Reducer: pairs.PerAnchor{}},
		"batch-hard": {Miner: miners.BatchHard{}},
		"semi-hard":  {Miner: semiHard(0.3)},
	})
	properties(t, map[string]losses.IntraPairVariance{"class weights": {Reducer: classWeights}}, losstest.ByClass("it has weights of classes"))
}

// Points 0, 1, 3 and 7 of two classes: positive pairs 1 and 4 apart, of mean 2.5; negative ones
// 3, 7, 2 and 6, of mean 4.5.
func TestIntraPairVarianceByHand(t *testing.T) {
	x, y := []float64{0, 1, 3, 7}, []int{0, 0, 1, 1}
	l := losses.IntraPairVariance{Metric: pairs.LP{Raw: true}}
	require.InDelta(t, 1.5*1.5/2+(1.5*1.5+2.5*2.5)/4, value(t, l, x, y), 1e-12)
	require.InDelta(t, 0.5, activeShare(t, l, x, y), 1e-12, "half of the pairs are on the wrong side of their mean")
	l.PosEps, l.NegEps = 0.2, 1./3
	require.InDelta(t, 1*1./2+(0+1*1.)/4, value(t, l, x, y), 1e-12)
	// Pairs that a miner lists twice count twice in the means too.
	l.Miner = listed{[][2]int{{0, 1}, {0, 1}, {2, 3}}, [][2]int{{0, 2}, {0, 2}, {1, 3}}}
	l.PosEps, l.NegEps = 0, 0
	require.InDelta(t, 2*2./3+2*1*1./3, value(t, l, x, y), 1e-12, "means of 2 and 4")
}

func TestIntraPairVarianceRefuses(t *testing.T) {
	refuses(t, map[string]losses.IntraPairVariance{
		"losses: intra-pair-variance: pos-eps: -0.1 is out of range": {PosEps: -0.1},
		"losses: intra-pair-variance: neg-eps: 2 is out of range":    {NegEps: 2},
	})
}
