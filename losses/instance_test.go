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
	mappers["InstanceLoss"] = func(r *goldenRecord) losses.Loss {
		return losses.Instance{Target: losses.NumberedRow, Gamma: r.number("gamma", 64), Metric: r.metric(), Reducer: r.reducer()}
	}
}

func ExampleInstance() {
	show(losses.Instance{Gamma: 4})
	show(losses.Instance{Gamma: 4, Target: losses.OwnRow})
	// Output:
	// 0.178
	// 0.279
}

func TestInstanceProperties(t *testing.T) {
	properties(t, map[string]losses.Instance{
		"class":     {Gamma: 8},
		"euclidean": {Gamma: 3, Metric: pairs.LP{}},
	})
	alone := losstest.NoReference("a row of the batch is the target")
	properties(t, map[string]losses.Instance{"row": {Gamma: 8, Target: losses.OwnRow}}, alone)
	properties(t, map[string]losses.Instance{"numbered row": {Gamma: 2, Target: losses.NumberedRow}}, alone,
		losstest.Positional("the target is a row by its number"), losstest.ByClass("labels are put in order"))
	properties(t, map[string]losses.Instance{"class weights": {Gamma: 2, Reducer: classWeights}}, losstest.ByClass("it has weights of classes"))
}

// Points 1, 2 and 4, of products; the first and the last are of one class.
func TestInstanceByHand(t *testing.T) {
	x, y := []float64{1, 2, 4}, []int{9, 4, 9}
	share := func(i int, own ...int) float64 {
		var p, all float64
		for j := range x {
			e := math.Exp(0.5 * x[i] * x[j])
			all += e
			for _, o := range own {
				if o == j {
					p += e
				}
			}
		}
		return -math.Log(p / all)
	}
	raw := pairs.Dot{Raw: true}
	for target, want := range map[losses.Target]float64{
		losses.OwnClass:    share(0, 0, 2) + share(1, 1) + share(2, 0, 2),
		losses.OwnRow:      share(0, 0) + share(1, 1) + share(2, 2),
		losses.NumberedRow: share(0, 1) + share(1, 0) + share(2, 1), // 4 is the label number 0, 9 number 1
		"":                 share(0, 0, 2) + share(1, 1) + share(2, 0, 2),
	} {
		require.InDelta(t, want/3, value(t, losses.Instance{Target: target, Gamma: 0.5, Metric: raw}, x, y), 1e-12, "%s", target)
	}
}

// A row whose label the reference set does not have has nothing to be found as.
func TestInstanceWithAReferenceSet(t *testing.T) {
	e, err := losses.NewReferenceEvaluator(losses.Instance{Gamma: 1, Metric: pairs.Dot{Raw: true}}, 2, 2, 1, tensor.Float64)
	require.NoError(t, err)
	defer e.Close()
	v, err := e.ValueBetween(losses.Rows{Embeddings: []float64{1, 2}, Labels: []int{0, 1}}, losses.Rows{Embeddings: []float64{3, 5}, Labels: []int{0, 2}})
	require.NoError(t, err)
	require.InDelta(t, math.Log1p(math.Exp(5-3))/2, v.Loss, 1e-12)
	require.Zero(t, v.Gradient[1])
}

func TestInstanceRefuses(t *testing.T) {
	refuses(t, map[string]losses.Instance{
		"losses: instance: gamma: 0 is out of range":         {},
		`losses: instance: target: "nobody" is not a choice`: {Target: "nobody", Gamma: 1},
	})
	x, y := randomBatch(1, 6, 2, 3)
	_, err := losses.Evaluate(losses.Mined{Miner: miners.BatchHard{}, Of: losses.Instance{Gamma: 1}}, x, y, tensor.Float64)
	require.ErrorContains(t, err, "leave the miner out")
}
