package losses_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/internal/golden"
	"medusa/losses"
	"medusa/losses/losstest"
	"medusa/miners"
	"medusa/pairs"
)

func init() {
	mappers["MarginLoss"] = func(r *goldenRecord) losses.Loss {
		l := losses.Default[*losses.Margin]()
		l.Margin, l.Beta, l.Nu = r.number("margin", 0.2), r.number("beta", 1.2), r.number("nu", 0)
		if mined, _ := r.Field("kind", new(string)); mined {
			l.Beta = float64(float32(l.Beta)) // as the reference has it, but for records of the other files
		}
		l.LearnBeta = r.flag("learn_beta")
		l.Classes = int(r.number("num_classes", 0))
		l.PerClass = l.Classes > 0
		l.Metric = r.metric()
		r.reducer() // the reference's loss has none but its own, the divisor
		return l
	}
	weightChecks["MarginLoss"] = func(t *testing.T, r *golden.Record, v losses.Value, tol float64) {
		if r.Weights != nil {
			require.NoError(t, r.Weights.Check(v.Params["beta"], len(v.Params["beta"]), 1, tol), "gradient to beta")
		}
	}
}

func ExampleMargin() {
	show(losses.Default[*losses.Margin]())
	// Output: 0.532
}

// Points 0, 1 and 3, the first two of one class; the boundary is 1.5. Each of two anchors has one
// triplet: terms of 1 − 1.5 + 0.6 and, at distances 3 and 2, of none and 1.5 − 2 + 0.6.
func TestMargin(t *testing.T) {
	x, y := []float64{0, 1, 3}, []int{0, 0, 1}
	l := &losses.Margin{Margin: 0.6, Beta: 1.5, Metric: pairs.LP{Raw: true}}
	require.InDelta(t, 0.3/3, value(t, l, x, y), 1e-12)
	l.LearnBeta, l.Nu = true, 0.5
	v, err := losses.Evaluate(l, x, y, tensor.Float64)
	require.NoError(t, err)
	require.InDelta(t, 0.3/3+0.5*1.5, v.Loss, 1e-12)
	require.InDeltaSlice(t, []float64{(-2.+1)/3 + 0.5}, v.Params["beta"], 1e-12)
	l = &losses.Margin{Margin: 0.6, Beta: 1.5, LRScale: 7, LearnBeta: true, PerClass: true, Nu: 0.5, Classes: 3, Metric: pairs.LP{Raw: true}}
	v, err = losses.Evaluate(l, x, y, tensor.Float64)
	require.NoError(t, err)
	require.InDelta(t, (0.3+2*0.5*1.5)/3, v.Loss, 1e-12, "for each of two triplets")
	require.InDeltaSlice(t, []float64{(-2. + 1 + 2*0.5) / 3, 0, 0}, v.Params["beta"], 1e-12)
	require.Equal(t, 7., l.Params().Lookup("beta").Rate())
	v, err = losses.Evaluate(l, x, []int{0, 1, 2}, tensor.Float64)
	require.NoError(t, err)
	require.Zero(t, v.Loss, "no triplets, nothing to hold down")
	require.Equal(t, []float64{0, 0, 0}, v.Params["beta"])
}

// A pair counts as often as it is in a triplet, whoever chose the triplets.
func TestMarginOfTriplets(t *testing.T) {
	x, y := randomBatch(4, 12, 3, 3)
	l := losses.Default[*losses.Margin]()
	l.Metric = pairs.LP{Raw: true}
	all := value(t, l, x, y)
	l.Miner = miners.TripletMargin{Type: miners.All, Margin: 1e6}
	require.InDelta(t, all, value(t, l, x, y), 1e-12)
	l.Miner = miners.BatchHard{}
	l.Reducer = pairs.Mean{} // of one pair each
	require.InDelta(t, value(t, losses.Contrastive{PosMargin: 1, NegMargin: 1.4, Metric: pairs.LP{Raw: true}, Miner: miners.BatchHard{}, Reducer: pairs.Mean{}}, x, y), value(t, l, x, y), 1e-12)
}

func TestMarginProperties(t *testing.T) {
	with := func(set func(l *losses.Margin)) *losses.Margin {
		l := losses.Default[*losses.Margin]()
		set(l)
		return l
	}
	properties(t, map[string]*losses.Margin{
		"default":    losses.Default[*losses.Margin](),
		"learned":    with(func(l *losses.Margin) { l.LearnBeta, l.Nu = true, 0.05 }),
		"cosine":     with(func(l *losses.Margin) { l.Beta, l.LearnBeta, l.Metric = 0.3, true, pairs.Cosine{} }),
		"batch-hard": with(func(l *losses.Margin) { l.Miner, l.LearnBeta, l.Nu = miners.BatchHard{}, true, 0.1 }),
		"semi-hard":  with(func(l *losses.Margin) { l.Miner, l.LearnBeta, l.Nu = semiHard(0.4), true, 0.1 }),
		"mean":       with(func(l *losses.Margin) { l.Reducer, l.LearnBeta, l.Nu = pairs.Mean{}, true, 0.1 }),
		"per anchor": with(func(l *losses.Margin) { l.Reducer = pairs.PerAnchor{} }),
	})
	properties(t, map[string]*losses.Margin{
		"per class": with(func(l *losses.Margin) { l.LearnBeta, l.PerClass, l.Nu, l.Classes = true, true, 0.1, losstest.Classes }),
	}, losstest.ByClass("each class has its boundary"))
}

func TestMarginRefuses(t *testing.T) {
	refuses(t, map[string]*losses.Margin{
		"losses: margin: margin: -1 is out of range":                   {Margin: -1},
		"losses: margin: beta is -0.5, want at least 0":                {Beta: -0.5},
		"leave per-class out, or set learn-beta":                       {Beta: 1, PerClass: true},
		"leave nu out, or set learn-beta":                              {Beta: 1, Nu: 1},
		"boundaries of 0 classes, want the number of training classes": {Beta: 1, LearnBeta: true, PerClass: true},
		"want a whole number from 0 to 1":                              {Beta: 1, LearnBeta: true, PerClass: true, Classes: 2}, // of the labels 0, 1, 2
		"leave lr-scale out, or set learn-beta":                        {Beta: 1, LRScale: 2},
		"lr-scale: NaN is out of range":                                {Beta: 1, LearnBeta: true, LRScale: math.NaN()},
		"the loss is a nil *losses.Margin":                             nil,
	})
	l := parsed(t, "margin(learn-beta=true, per-class=true, nu=0.1)").(*losses.Margin)
	require.Equal(t, setting.Classes, l.Classes)
}
