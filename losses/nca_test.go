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
	skip("pair_losses.json", "the library's mean of no terms is no number; ours is 0", map[string]any{"loss": "NCALoss", "case": "nopos6"})
	mappers["NCALoss"] = func(r *goldenRecord) losses.Loss {
		l := losses.NCA{SoftmaxScale: r.number("softmax_scale", 1), Metric: r.metric(), Reducer: r.reducer()}
		var miner string
		if l.MinerWeighs, r.err = r.Field("miner", &miner); r.err != nil {
			return nil
		}
		return l
	}
}

func ExampleNCA() {
	show(losses.Default[losses.NCA]())
	show(losses.NCA{Form: losses.Expected, SoftmaxScale: 1}) // the share of wrong neighbours
	// Output:
	// 0.886
	// 0.507
}

func TestNCAProperties(t *testing.T) {
	properties(t, map[string]losses.NCA{
		"default":      losses.Default[losses.NCA](),
		"sharp":        {SoftmaxScale: 4},
		"expected":     {Form: losses.Expected, SoftmaxScale: 2},
		"cosine":       {SoftmaxScale: 5, Metric: pairs.Cosine{}},
		"raw":          {SoftmaxScale: 0.5, Metric: pairs.LP{Raw: true}},
		"batch-hard":   {SoftmaxScale: 2, Miner: miners.BatchHard{}},
		"semi-hard":    {SoftmaxScale: 2, Miner: semiHard(0.3)},
		"miner weighs": {SoftmaxScale: 2, Miner: semiHard(0.3), MinerWeighs: true},
		"hard weighs":  {SoftmaxScale: 2, Miner: miners.BatchHard{}, MinerWeighs: true},
		"weighs alone": {SoftmaxScale: 2, MinerWeighs: true},
	})
	properties(t, map[string]losses.NCA{"class weights": {SoftmaxScale: 1, Reducer: classWeights}}, losstest.ByClass("it has weights of classes"))
}

// Points 0, 1 and 3, of which the first two are of one class: the third has no positive.
func TestNCAByHand(t *testing.T) {
	x, y := []float64{0, 1, 3}, []int{0, 0, 1}
	raw := pairs.LP{Raw: true}
	p0, p1 := 1/(1+math.Exp(-2)), 1/(1+math.Exp(-1)) // e^{−1} / (e^{−1} + e^{−3}), e^{−1} / (e^{−1} + e^{−2})
	require.InDelta(t, -(math.Log(p0)+math.Log(p1))/2, value(t, losses.NCA{SoftmaxScale: 1, Metric: raw}, x, y), 1e-12)
	require.InDelta(t, 1-(p0+p1)/2, value(t, losses.NCA{Form: losses.Expected, SoftmaxScale: 1, Metric: raw}, x, y), 1e-12)
	// A miner that lists pairs: row 0 is in 3 of them, rows 1 and 2 in 2 and 1.
	few := listed{[][2]int{{0, 1}, {1, 0}}, [][2]int{{0, 2}}}
	require.InDelta(t, -math.Log(p0)/2, value(t, losses.NCA{SoftmaxScale: 1, Metric: raw, Miner: few}, x, y), 1e-12, "row 1 has no negative")
	require.InDelta(t, -(math.Log(p0)+math.Log(p1)*2/3)/2, value(t, losses.NCA{SoftmaxScale: 1, Metric: raw, Miner: few, MinerWeighs: true}, x, y), 1e-12)
	none := listed{}
	require.InDelta(t, -(math.Log(p0)+math.Log(p1))/2, value(t, losses.NCA{SoftmaxScale: 1, Metric: raw, Miner: none, MinerWeighs: true}, x, y), 1e-12, "nothing is chosen: all count alike")
}

func TestNCARefuses(t *testing.T) {
	refuses(t, map[string]losses.NCA{
		"losses: nca: softmax-scale: 0 is out of range": {},
		`losses: nca: form: "smooth" is not a choice`:   {Form: losses.Smooth, SoftmaxScale: 1},
	})
}
