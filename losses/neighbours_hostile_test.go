package losses_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/losses"
	"medusa/miners"
	"medusa/pairs"
)

// Embeddings that are not finite show: no comparison, clamp or bin makes a number of them. Those
// that are large give a loss that is finite, or shows that the type cannot hold it.
func TestNeighboursTellOfWhatIsNoNumber(t *testing.T) {
	raw := pairs.LP{Raw: true}
	learned := func() losses.Loss {
		l := losses.Default[*losses.Margin]()
		l.Metric, l.LearnBeta, l.Nu = raw, true, 0.1
		return l
	}
	dynamic := func(through bool) func() losses.Loss {
		return func() losses.Loss {
			l := losses.Default[*losses.DynamicSoftMargin]()
			l.Metric, l.Through = raw, through
			return l
		}
	}
	always := func(l losses.Loss) func() losses.Loss { return func() losses.Loss { return l } }
	for name, fresh := range map[string]func() losses.Loss{
		"threshold-consistent-margin": always(losses.ThresholdConsistentMargin{PosMargin: 0.5, NegMargin: 1, PosWeight: 1, NegWeight: 1, Metric: raw}),
		"ranked-list":                 always(losses.RankedList{Margin: 0.4, Alpha: 1.2, Balance: 0.5, Metric: raw}),
		"ranked-list, weighed":        always(losses.RankedList{Margin: 0.4, Alpha: 1.2, Balance: 0.5, PosTemperature: 2, NegTemperature: 2, Epsilon: 1e-5, Metric: raw}),
		"smooth-ap":                   always(losses.SmoothAP{Temperature: 0.1, Metric: raw}),
		"smooth-ap, cosine":           always(losses.Default[losses.SmoothAP]()),
		"recall-at-k":                 always(losses.RecallAtK{Ks: []int{1, 2}, Temperature: 0.1, HitTemperature: 1, Metric: raw}),
		"pnp O":                       always(losses.PNP{Temperature: 0.1, Metric: raw}),
		"pnp Iu":                      always(losses.PNP{Variant: losses.PNPIu, Temperature: 0.1, Metric: raw}),
		"pnp Dq":                      always(losses.PNP{Variant: losses.PNPDq, Temperature: 0.1, Alpha: 1, Metric: raw}),
		"fastap":                      always(losses.FastAP{Bins: 4, High: 4, Metric: raw}),
		"histogram":                   always(losses.Histogram{Bins: 4, High: 4, Metric: raw}),
		"histogram, cosine":           always(losses.Default[losses.Histogram]()),
		"margin":                      learned,
		"dynamic-soft-margin":         dynamic(false),
		"dynamic-soft-margin through": dynamic(true),
		"centroid-triplet":            always(losses.CentroidTriplet{Margin: 0.2, Metric: raw}),
		"centroid-triplet, hardest":   always(losses.CentroidTriplet{Margin: 0.2, Hardest: true, Metric: raw, Reducer: pairs.Sum{}}),
		"manifold":                    func() losses.Loss { return manifold(4, func(*losses.Manifold) {}) },
		"margin, batch-hard":          always(losses.Mined{Miner: miners.BatchHard{}, Of: losses.Default[*losses.Margin]()}),
	} {
		t.Run(name, func(t *testing.T) {
			for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
				for _, odd := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
					x, y := randomBatch(3, 12, 3, 4)
					x[4] = odd
					v, err := losses.Evaluate(fresh(), x, y, dt)
					require.NoError(t, err)
					require.True(t, notFinite(v.Loss), "the loss is %g in %v, with %g in the embeddings", v.Loss, dt, odd)
				}
				for _, scale := range []float64{1e-30, 1e8, 1e15} {
					x, y := randomBatch(3, 12, 3, 4)
					for i := range x {
						x[i] *= scale
					}
					v, err := losses.Evaluate(fresh(), x, y, dt)
					require.NoError(t, err)
					require.False(t, notFinite(append(v.Gradient, v.Loss)...), fmt.Sprintf("%g in %v, scaled by %g", v.Loss, dt, scale))
				}
			}
		})
	}
}

func TestRankingTextIsParsed(t *testing.T) {
	l := losses.Default[losses.PNP]()
	l.Variant, l.Alpha = losses.PNPDq, 4
	require.Equal(t, l, parsed(t, "pnp(variant=Dq, alpha=4)"))
}
