package losses

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
)

// Where the batch holds every class, the classes of the batch are all.
func TestCrossEntropyInBatch(t *testing.T) {
	x, y := randomBatch(6, 11, 4, 3) // classes of 4, 4 and 3
	for _, linear := range []bool{false, true} {
		for _, smoothing := range []float64{0, 0.3} {
			t.Run(fmt.Sprintf("linear %t smoothing %g", linear, smoothing), func(t *testing.T) {
				head := CrossEntropy{Classes: 3, Seed: 5, Linear: linear, Smoothing: smoothing, Scale: 3}
				all, err := Evaluate(&head, x, y, tensor.Float64)
				require.NoError(t, err)
				sampled := CrossEntropy{Classes: 3, Seed: 5, Linear: linear, Smoothing: smoothing, Scale: 3, InBatch: true}
				batch, err := Evaluate(&sampled, x, y, tensor.Float64)
				require.NoError(t, err)
				require.InDelta(t, all.Loss, batch.Loss, 1e-12)
				require.InDeltaSlice(t, all.Gradient, batch.Gradient, 1e-12)
				for name, g := range all.Params {
					require.InDeltaSlice(t, g, batch.Params[name], 1e-12, name)
				}
			})
		}
	}
}

// A class that is not in the batch gets no gradient.
func TestCrossEntropyInBatchLeavesOthersAlone(t *testing.T) {
	x, y := randomBatch(6, 8, 4, 2)
	v, err := Evaluate(&CrossEntropy{Classes: 4, InBatch: true}, x, y, tensor.Float64)
	require.NoError(t, err)
	w := v.Params[classifierWeight]
	require.NotContains(t, w[:8], 0.0)
	require.Equal(t, make([]float64, 8), w[8:])
}

func TestCrossEntropyRefuses(t *testing.T) {
	x, y := randomBatch(2, 6, 2, 3)
	for want, l := range map[string]*CrossEntropy{
		"over 0 classes": {},
		"smoothing is 1": {Classes: 3, Smoothing: 1},
		"label":          {Classes: 2}, // of the labels 0, 1, 2
	} {
		_, err := Evaluate(l, x, y, tensor.Float64)
		require.ErrorContains(t, err, want)
	}
}
