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
	mappers["NTXentLoss"] = func(r *goldenRecord) losses.Loss {
		return losses.NTXent{Temperature: r.number("temperature", 0.07), Metric: r.metric(), Reducer: r.reducer()}
	}
}

func ExampleNTXent() {
	show(losses.Default[losses.NTXent]())
	show(losses.NTXent{Temperature: 0.5})
	// Output:
	// 3.585
	// 0.886
}

func TestNTXentProperties(t *testing.T) {
	properties(t, map[string]losses.NTXent{
		"default":    losses.Default[losses.NTXent](),
		"warm":       {Temperature: 0.5},
		"raw":        {Temperature: 2, Metric: pairs.LP{Raw: true}},
		"per anchor": {Temperature: 0.5, Reducer: pairs.PerAnchor{}},
		"batch-hard": {Temperature: 0.5, Miner: miners.BatchHard{}},
		"semi-hard":  {Temperature: 0.5, Miner: semiHard(0.3)},
	})
	properties(t, map[string]losses.NTXent{"class weights": {Temperature: 0.5, Reducer: classWeights}}, losstest.ByClass("it has weights of classes"))
}

// Points 0, 1 and 3: each of the two positive pairs against one negative. Pairs listed twice
// count twice.
func TestNTXentByHand(t *testing.T) {
	x, y := []float64{0, 1, 3}, []int{0, 0, 1}
	raw := pairs.LP{Raw: true}
	l := losses.NTXent{Temperature: 0.5, Metric: raw}
	require.InDelta(t, (math.Log1p(math.Exp(-4))+math.Log1p(math.Exp(-2)))/2, value(t, l, x, y), 1e-12)
	l.Miner = listed{[][2]int{{0, 1}, {1, 0}, {1, 0}}, [][2]int{{0, 2}, {0, 2}, {1, 2}}}
	require.InDelta(t, (math.Log1p(2*math.Exp(-4))+2*math.Log1p(math.Exp(-2)))/3, value(t, l, x, y), 1e-12)
	// Where the sum of the negatives is out of range of a number, its logarithm is not.
	far := losses.NTXent{Temperature: 1e-4, Metric: raw}
	require.InDelta(t, 1e4*((3.-1)+(3-2)+(8-1)+(8-6))/4, value(t, far, []float64{0, 3, 1, 9}, []int{0, 0, 1, 1}), 1e-8)
}

func TestNTXentRefuses(t *testing.T) {
	refuses(t, map[string]losses.NTXent{
		"losses: ntxent: temperature: 0 is out of range":    {},
		"losses: ntxent: temperature: -0.1 is out of range": {Temperature: -0.1},
	})
}

// The name of the formula in the papers on predictive coding is read too.
func TestInfoNCE(t *testing.T) {
	require.Equal(t, losses.NTXent{Temperature: 0.2, Metric: pairs.Cosine{}, Reducer: pairs.Mean{}}, parsed(t, "infonce(temperature=0.2)"))
}
