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
	mappers["PNPLoss"] = func(r *goldenRecord) losses.Loss {
		l := losses.PNP{Variant: losses.PNPVariant("O"), Temperature: r.number("anneal", 0.01), Alpha: r.number("alpha", 0), B: r.number("b", 0), Self: true,
			Metric: r.metric(), Reducer: r.reducer()}
		if v, ok := r.left["variant"].(string); ok {
			delete(r.left, "variant")
			l.Variant = losses.PNPVariant(v)
		}
		return l
	}
}

func ExampleSmoothAP() {
	show(losses.Default[losses.SmoothAP]())
	// Output: 0.275
}

func ExamplePNP() {
	show(losses.Default[losses.PNP]())
	// Output: 0.625
}

func ExampleRecallAtK() {
	show(losses.RecallAtK{Ks: []int{1, 2}, Temperature: 0.01, HitTemperature: 0.1})
	// Output: 0.562
}

// ranking is points on a line whose order from the anchor 0, of class 0, is that of the classes:
// all of other anchors are alone in their class, but for the positives.
func order(classes ...int) (x []float64, y []int) {
	x, y = []float64{0}, []int{0}
	for i, c := range classes {
		x, y = append(x, float64(i+1)), append(y, c)
	}
	return x, y
}

// At a low temperature the losses are what they smooth: of the anchor 0, with positives of ranks 2
// and 3, and of these as anchors, of points 0, 2 and 3 of four.
func TestRankingsAreThoseOfMetrics(t *testing.T) {
	x, y := order(1, 0, 0)
	raw := pairs.LP{Raw: true}
	ap := func(ranks ...float64) (sum float64) { // of positives in their order
		for i, r := range ranks {
			sum += float64(i+1) / r / float64(len(ranks))
		}
		return sum
	}
	// From 2 the points 1 and 3 are level, and 0 is the last: the ranks are 1½ and 3.
	// From 3 they are 2, 1, 0.
	require.InDelta(t, 1-(ap(2, 3)+ap(1.5, 3)+ap(1, 3))/3, value(t, losses.SmoothAP{Temperature: 1e-4, Metric: raw}, x, y), 1e-9)
	before := []float64{1, 1, 0.5, 1, 0, 1} // negatives before each positive
	for variant, f := range map[losses.PNPVariant]func(r float64) float64{
		losses.PNPO:  func(r float64) float64 { return r },
		losses.PNPIu: func(r float64) float64 { return (1 + r) * math.Log(1+r) },
		losses.PNPIb: func(r float64) float64 { return (3*r - math.Log(1+3*r)) / 9 },
		losses.PNPDs: func(r float64) float64 { return math.Log(1 + r) },
		losses.PNPDq: func(r float64) float64 { return 1 - math.Pow(1+r, -2) },
	} {
		want, own := 0.0, 0.0
		for _, r := range before {
			want += f(r) / 6
			own += f(r) / 9 // none is before the anchor itself
		}
		l := losses.PNP{Variant: variant, Temperature: 1e-4, Metric: raw}
		switch variant {
		case losses.PNPIb:
			l.B = 3
		case losses.PNPDq:
			l.Alpha = 2
		}
		require.InDelta(t, want, value(t, l, x, y), 1e-9, variant)
		l.Self = true
		require.InDelta(t, own, value(t, l, x, y), 1e-9, variant)
	}
	recall := losses.RecallAtK{Ks: []int{1, 2, 3}, Temperature: 1e-4, HitTemperature: 1e-3, Metric: raw}
	// Hits among 1, 2 and 3: none, one and two of anchor 0; none, one, two of 2; one, one, two of 3; and half a
	// hit where the rank is k.
	require.InDelta(t, 1-(0+0.5/2+1.5/2+0+1./2+1.5/2+0.5+1./2+1.5/2)/9, value(t, recall, x, y), 1e-9)
	recall = losses.RecallAtK{Ks: []int{2}, Temperature: 1e-4, HitTemperature: 1e-3, Metric: raw}
	x, y = order(0, 0, 0, 0)
	require.GreaterOrEqual(t, value(t, recall, x, y), 0., "no more hits than places")
}

// The share of anchors of which a negative is nearer than a positive.
func TestRankingsActiveShare(t *testing.T) {
	x, y := order(0, 1, 1, 1)
	raw := pairs.LP{Raw: true}
	for _, l := range []losses.Loss{losses.SmoothAP{Temperature: 0.01, Metric: raw}, losses.PNP{Temperature: 0.01, Metric: raw}, losses.FastAP{Bins: 4, High: 4, Metric: raw},
		losses.RecallAtK{Ks: []int{1}, Temperature: 0.01, HitTemperature: 1, Metric: raw}} {
		require.InDelta(t, 1./5, activeShare(t, l, x, y), 1e-12, "%T: of 2 the negative 1 is nearer than 4", l)
	}
}

func TestRankingProperties(t *testing.T) {
	properties(t, map[string]losses.Loss{
		"smooth-ap":          losses.SmoothAP{Temperature: 0.1},
		"smooth-ap, default": losses.Default[losses.SmoothAP](),
		"smooth-ap, lp":      losses.SmoothAP{Temperature: 0.5, Metric: pairs.LP{Raw: true}},
		"smooth-ap, mined":   losses.SmoothAP{Temperature: 0.1, Miner: semiHard(0.3)},
		"recall-at-k":        losses.RecallAtK{Ks: []int{1, 2, 4}, Temperature: 0.1, HitTemperature: 1},
		"recall, mined":      losses.RecallAtK{Ks: []int{1}, Temperature: 0.1, HitTemperature: 1, Miner: miners.TripletMargin{Type: miners.Hard}},
		"pnp":                losses.PNP{Temperature: 0.1},
		"pnp Iu":             losses.PNP{Variant: losses.PNPIu, Temperature: 0.1},
		"pnp Ib":             losses.PNP{Variant: losses.PNPIb, Temperature: 0.1, B: 2, Metric: pairs.LP{}},
		"pnp Ds":             losses.PNP{Variant: losses.PNPDs, Temperature: 0.1, Reducer: pairs.NonZero{}},
		"pnp Dq, mined":      losses.PNP{Variant: losses.PNPDq, Temperature: 0.1, Alpha: 4, Miner: semiHard(0.3)},
	})
	properties(t, map[string]losses.Loss{"with self": losses.PNP{Temperature: 0.1, Self: true}}, losstest.NoReference("no row of it is the anchor"))
}

func TestRankingsRefuse(t *testing.T) {
	refuses(t, map[string]losses.Loss{
		"losses: smooth-ap: temperature: 0 is out of range": losses.SmoothAP{},
		`losses: pnp: variant: "Du" is not a choice`:        losses.PNP{Variant: "Du", Temperature: 1},
		"losses: pnp: alpha: -1 is out of range":            losses.PNP{Variant: losses.PNPDq, Temperature: 1, Alpha: -1},
		"losses: pnp: alpha is of the variant Dq alone":     losses.PNP{Temperature: 1, Alpha: 1},
		"losses: pnp: b is of the variant Ib alone":         losses.PNP{Variant: losses.PNPDq, Temperature: 1, B: 2},
		"leave self out": losses.PNP{Temperature: 1, Self: true, Miner: miners.BatchHard{}},
		"losses: recall-at-k: ks: no k, want at least one":   losses.RecallAtK{Temperature: 1, HitTemperature: 1},
		"losses: recall-at-k: ks: 0 is out of range":         losses.RecallAtK{Ks: []int{1, 0}, Temperature: 1, HitTemperature: 1},
		"a ranking of pairs that have weights: leave the we": losses.SmoothAP{Temperature: 1, Miner: weighing{}},
	})
}

func TestRecallAtKIsParsed(t *testing.T) {
	require.Equal(t, []int{3, 5}, parsed(t, "recall-at-k(ks=[3, 5])").(losses.RecallAtK).Ks)
	text, err := losses.Text(losses.RecallAtK{Ks: []int{3, 5}, Temperature: 0.01, HitTemperature: 1, Metric: pairs.Cosine{}, Reducer: pairs.Mean{}})
	require.NoError(t, err)
	require.Equal(t, "recall-at-k(ks=[3, 5])", text)
}
