package trainer

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/gpu/gputest"
)

// The histogram of the dynamic soft margin and the boundaries of the margin loss are part of the
// checkpoint: a run broken off becomes what the unbroken one does, to the bit.
func TestHistogramAndBoundariesAreResumed(t *testing.T) {
	for _, device := range []string{"cpu", "cuda"} {
		t.Run(device, func(t *testing.T) {
			if device == "cuda" {
				gputest.Prepare(t)
			}
			cfg := memoryRun(t, "dynamic-soft-margin(momentum=0.25) + margin(learn-beta=true, per-class=true, nu=0.01)", device)
			if device == "cuda" { // the fake device is a thousand times as slow
				cfg.Steps, cfg.EvalEvery = 7, -1
			}
			o := Options{NoReport: true, NoEmbeddings: true}
			want := ended(t, start(t, cfg, o))
			require.Contains(t, want, "solver/loss.1.beta/first")
			var sum float32
			for _, v := range want["loss.0.histogram"] {
				sum += v
			}
			require.InDelta(t, 1, sum, 1e-5)
			require.NotEqual(t, float32(1.2), want["loss.1.beta"][0], "the boundary was learned")

			o.Dir = filepath.Join(t.TempDir(), "broken")
			breakOff(t, cfg, o, 4)
			tr, err := Resume(load(t, cfg), o)
			require.NoError(t, err)
			require.Equal(t, want, ended(t, tr))
		})
	}
}
