package losses_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/losses"
	"medusa/losses/losstest"
	"medusa/miners"
	"medusa/pairs"
)

func init() {
	skip("losses_by_reducer.json", "the reference broadcasts n×1 terms against n weights: mean(terms)·mean(weights), not a weighted mean; ours is tested in pairs",
		map[string]any{"loss": "CircleLoss", "reducer": "ClassWeightedReducer"})
	mappers["CircleLoss"] = func(r *goldenRecord) losses.Loss {
		return losses.Circle{Gamma: r.number("gamma", 80), Margin: r.number("m", 0.4), Metric: r.metric(), Reducer: r.reducer()}
	}
}

func ExampleCircle() {
	show(losses.Default[losses.Circle]())
	show(losses.Circle{Gamma: 4, Margin: 0.25})
	// Output:
	// 53.147
	// 3.683
}

func TestCircleProperties(t *testing.T) {
	properties(t, map[string]losses.Circle{
		"through weights": {Gamma: 6, Margin: 0.4, ThroughWeights: true},
		"dot":             {Gamma: 2, Margin: 0.25, ThroughWeights: true, Metric: pairs.Dot{P: 1}},
		"margin of 0":     {Gamma: 3, ThroughWeights: true, Reducer: pairs.Mean{}},
		"batch-hard":      {Gamma: 6, Margin: 0.4, ThroughWeights: true, Miner: miners.BatchHard{}},
		"semi-hard":       {Gamma: 6, Margin: 0.4, ThroughWeights: true, Miner: semiHard(0.3)},
	})
	properties(t, map[string]losses.Circle{"the paper's": {Gamma: 8, Margin: 0.4}}, losstest.StopsGradient("the weights of pairs are held fixed"))
}

// One anchor with a positive of similarity 0 and a negative of similarity 0.6, by the paper's
// eq. 6 and its gradient, eq. 10; and by differences if the weights are not held fixed.
func TestCircleGradient(t *testing.T) {
	const gamma, m = 3.0, 0.25
	x := []float64{1, 0, 0, 1, 0.6, 0.8}
	y := []int{0, 0, 1}
	anchor := listed{[][2]int{{0, 1}}, [][2]int{{0, 2}}}
	alphaP, alphaN := 1+m-0, 0.6+m
	z := gamma * (alphaN*(0.6-m) - alphaP*(0-(1-m)))
	share := 1 / (1 + math.Exp(-z))
	for _, through := range []bool{false, true} {
		l := losses.Circle{Gamma: gamma, Margin: m, ThroughWeights: through, Metric: pairs.Dot{Raw: true}, Miner: anchor}
		v, err := losses.Evaluate(l, x, y, tensor.Float64)
		require.NoError(t, err)
		require.InDelta(t, math.Log1p(math.Exp(z)), v.Loss, 1e-12)
		toN, toP := share*gamma*alphaN, -share*gamma*alphaP
		if through {
			toN, toP = share*gamma*2*0.6, share*gamma*2*(0-1) // of s² − m² and (1 − s)² − m²
		}
		// s_n is ⟨x_0, x_2⟩, s_p is ⟨x_0, x_1⟩.
		require.InDeltaSlice(t, []float64{toN*0.6 + toP*0, toN*0.8 + toP*1, toP, 0, toN, 0}, v.Gradient, 1e-12)
	}
}

func TestCircleRefuses(t *testing.T) {
	refuses(t, map[string]losses.Circle{
		"losses: circle: gamma: 0 is out of range": {},
		"losses: circle: margin: 1.5 is out of":    {Gamma: 1, Margin: 1.5},
		"losses: circle: margin: NaN is out of":    {Gamma: 1, Margin: math.NaN()},
		"the metric is a distance; choose cosine":  {Gamma: 1, Metric: pairs.LP{}},
		"circle: distance: a nil *pairs.Cosine":    {Gamma: 1, Metric: (*pairs.Cosine)(nil)},
	})
}
