package losses_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/losses"
)

// Losses with weights of classes on embeddings that nobody means: what is not finite shows in value and
// gradient, and of what is finite both are finite, but where lengths that count overflow.
func TestClassWeightsHostile(t *testing.T) {
	overflowing := []string{"huge", "both", "largest"} // whose squares are no float32
	for _, text := range []string{
		"ce", "ce(classifier=linear, focal=2)", "arcface", "arcface(share=0.5, sub-centers=2)", "cosface(classes=batch)", "sphereface", "large-margin",
		"p2sgrad", "proxy-nca", "proxy-nca(form=ratio, distance=cosine)", "proxy-anchor", "soft-triple", "center", "adacos", "curricularface",
		"magface", "adaface",
	} {
		for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
			rng := rand.New(rand.NewPCG(5, 6))
			for _, kind := range hostileKinds {
				b, e := []int{1, 2, 5, 9}[rng.IntN(4)], []int{2, 3, 8}[rng.IntN(3)]
				x, odd := hostileRows(rng, kind, b, e)
				y := make([]int, b)
				for i := range y {
					y[i] = rng.IntN(4)
				}
				v, err := losses.Evaluate(parsed(t, text), x, y, dt)
				what := fmt.Sprintf("%s of %s in %v, labels %v, %v", text, kind, dt, y, x)
				require.NoError(t, err, what)
				alone := strings.Contains(text, "classes=batch") && slices.Min(y) == slices.Max(y) // no class competes
				switch {
				case odd && alone:
					require.Zero(t, v.Loss, what)
				case odd:
					require.True(t, notFinite(v.Loss), "%s: the loss is %g", what, v.Loss)
					require.True(t, notFinite(v.Gradient...), "%s: the gradient is finite", what)
				case !slices.Contains(overflowing, kind):
					require.False(t, notFinite(v.Loss), "%s: the loss is %g", what, v.Loss)
					require.False(t, notFinite(v.Gradient...), "%s: the gradient is %v", what, v.Gradient)
				}
			}
		}
	}
}
