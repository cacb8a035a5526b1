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
	mappers["ThresholdConsistentMarginLoss"] = func(r *goldenRecord) losses.Loss {
		return losses.ThresholdConsistentMargin{PosMargin: r.number("margin_plus", 0.9), NegMargin: r.number("margin_minus", 0.5),
			PosWeight: r.number("lambda_plus", 1), NegWeight: r.number("lambda_minus", 1), Metric: r.metric(), Reducer: r.reducer()}
	}
}

func ExampleThresholdConsistentMargin() {
	show(losses.Default[losses.ThresholdConsistentMargin]())
	// Output: 0.900
}

// Points at 0°, 60° and 90°, the first two of one class: cosines ½ of the class, 0 and √¾ of others.
func TestThresholdConsistentMargin(t *testing.T) {
	x, y := []float64{2, 0, 0.5, math.Sqrt(0.75), 0, 3}, []int{0, 0, 1}
	l := losses.Default[losses.ThresholdConsistentMargin]()
	require.InDelta(t, (0.9-0.5)+(math.Sqrt(0.75)-0.5), value(t, l, x, y), 1e-12)
	l.PosWeight, l.NegWeight = 0, 3
	require.InDelta(t, 3*(math.Sqrt(0.75)-0.5), value(t, l, x, y), 1e-12)
	l.PosMargin, l.PosWeight, l.NegWeight = 0.5, 1, 0
	require.InDelta(t, 0, value(t, l, x, y), 1e-12, "on the margin")
	// Of distances: 1 of the class, √2 and 2·sin 15° of others.
	l = losses.ThresholdConsistentMargin{PosMargin: 0.25, NegMargin: 1, PosWeight: 2, NegWeight: 1, Metric: pairs.LP{}}
	require.InDelta(t, 2*0.75+(1-2*math.Sin(math.Pi/12)), value(t, l, x, y), 1e-12)
	require.InDelta(t, 4./6, activeShare(t, l, x, y), 1e-12, "two pairs of the class, two of four others")
}

func TestThresholdConsistentMarginProperties(t *testing.T) {
	properties(t, map[string]losses.ThresholdConsistentMargin{
		"default":   losses.Default[losses.ThresholdConsistentMargin](),
		"weights":   {PosMargin: 0.8, NegMargin: 0.2, PosWeight: 0.5, NegWeight: 2},
		"distances": {PosMargin: 0.2, NegMargin: 1.3, PosWeight: 1, NegWeight: 1, Metric: pairs.LP{}, Reducer: pairs.Mean{}},
		"mined":     {PosMargin: 0.9, NegMargin: 0.1, PosWeight: 1, NegWeight: 1, Miner: miners.BatchHard{}},
	})
}

func TestThresholdConsistentMarginRefuses(t *testing.T) {
	refuses(t, map[string]losses.ThresholdConsistentMargin{
		"losses: threshold-consistent-margin: pos-weight: -1 is out of range":    {PosWeight: -1},
		"losses: threshold-consistent-margin: neg-margin: NaN is out of range":   {NegMargin: math.NaN()},
		"losses: threshold-consistent-margin: pos-margin is -1, want at least 0": {PosMargin: -1, Metric: pairs.LP{}},
	})
}
