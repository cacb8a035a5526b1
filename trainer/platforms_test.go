package trainer

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/nets"
	"medusa/optim"
	"medusa/samplers"
)

// platformRun is what a run was like on another platform.
type platformRun struct {
	Made   string    // how the figures came about
	Losses []float64 // of the steps
	MAPAtR float64   // of the test classes afterwards
}

// The same configuration trains alike everywhere: kernels for one instruction set and another,
// and compilers for one processor and another, differ in rounding alone (some fuse a product
// and a sum), which 12 steps of SGD let grow to less than a thousandth of the loss.
func TestRunsAreAlikeOnEveryPlatform(t *testing.T) {
	const path = "testdata/platforms.json"
	cfg := Config{
		Data: DataConfig{Path: pictures(t), Val: "none"},
		Net:  nets.Config{Channels: []int{4, 8}, Embedding: 8, Head: "flatten"},
		Loss: "contrastive", Sampler: samplers.Config{P: 4, K: 3},
		Solver: optim.Config{Name: "sgd", LR: 0.05}, Keep: Last,
		Steps: 12, EvalEvery: -1, LogEvery: 1, Seed: 7, EvalBatch: 16,
	}
	var got platformRun
	tr := start(t, cfg, Options{Hooks: []Hook{{Step: func(_ context.Context, i StepInfo) error {
		got.Losses = append(got.Losses, i.Loss)
		return nil
	}}}})
	r, err := tr.Run(context.Background())
	require.NoError(t, err)
	got.MAPAtR = r.After.MAPAtR
	if os.Getenv("MEDUSA_RECORD") != "" {
		got.Made = "MEDUSA_RECORD=1 MEDUSA_CPU=generic go test -run AlikeOnEvery ./trainer, on linux/amd64"
		b, err := json.MarshalIndent(got, "", "\t")
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, append(b, '\n'), 0o644))
	}
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	var want platformRun
	require.NoError(t, json.Unmarshal(b, &want))
	require.Len(t, got.Losses, len(want.Losses))
	for i := range got.Losses {
		require.InEpsilon(t, want.Losses[i], got.Losses[i], 1e-3, "step %d", i+1)
		t.Logf("step %d: loss %.7f, relative difference %.1e", i+1, got.Losses[i], got.Losses[i]/want.Losses[i]-1)
	}
	require.InDelta(t, want.MAPAtR, got.MAPAtR, 0.03, "of 48 queries, a few neighbours may change places")
}
