package losses_test

import (
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/internal/gpu/gputest"
	"medusa/losses"
	"medusa/machine"
	"medusa/miners"
	"medusa/pairs"
)

// A GPU does all of every loss, miner, metric, reducer and regularizer, at their defaults, and finds
// what the CPU finds: no op of them is left to the host.
func TestEveryLossOnDevice(t *testing.T) {
	gputest.Prepare(t)
	var name string
	dev, err := machine.Open("cuda", machine.Options{Log: func(message string) { t.Errorf("%s: %s", name, message) }})
	require.NoError(t, err)
	defer func() { require.NoError(t, dev.Close()) }()
	needs := map[string]string{ // what has no default
		"graded":       "graded(vectors=[[1, 0, 1], [0, 1, 1], [0, 0, 2], [1, 1, 1]])",
		"hierarchical": "hierarchical(levels=[[0, 0, 1, 1]])",

		"reduced by class-weighted": "triplet(reducer=class-weighted(weights=[1, 0.5, 2, 0]))",
		"reduced by divisor":        "triplet(reducer=divisor(by=7))",

		"regularized by sparse-centers": "soft-triple(regularizer=sparse-centers)",
	}
	const b, e = 12, 5
	x, y := randomBatch(7, b, e, 4)
	for i, v := range x {
		x[i] = float64(float32(v))
	}
	texts := map[string]string{}
	for _, of := range losses.Names() {
		texts[of] = of
	}
	for _, of := range miners.Names() {
		texts["mined by "+of] = "mined(miner=" + of + ", of=contrastive)"
	}
	for _, of := range pairs.MetricNames() {
		texts["compared by "+of] = "contrastive(pos-margin=0.5, neg-margin=0.5, distance=" + of + ")"
	}
	for _, of := range pairs.ReducerNames() {
		texts["reduced by "+of] = "triplet(reducer=" + of + ")"
	}
	for _, of := range losses.RegularizerNames() {
		texts["regularized by "+of] = "ce(regularizer=" + of + ")"
	}
	maps.Copy(texts, needs)
	for _, name = range slices.Sorted(maps.Keys(texts)) {
		text := texts[name]
		t.Run(name, func(t *testing.T) {
			want, err := losses.Evaluate(parsed(t, text), x, y, tensor.Float32)
			require.NoError(t, err)
			device, closeMachine := onDevice(t, dev, parsed(t, text), b, e)
			loss, grad := device(x, y)
			require.InEpsilon(t, want.Loss, loss, 1e-4)
			top := 1e-6
			for _, g := range want.Gradient {
				top = math.Max(top, math.Abs(g))
			}
			require.InDeltaSlice(t, want.Gradient, grad, 1e-4*top)
			closeMachine()
		})
	}
}
