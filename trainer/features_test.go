package trainer

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// A loss may read features before the embedding: alone, or beside parts that tell the share of
// their terms that is active.
func TestLossesOfOtherFeatures(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps, cfg.EvalEvery, cfg.LogEvery = 3, -1, 1
	for loss, tells := range map[string]bool{
		"ce(on=raw, classifier=linear)":                      false,
		"triplet + 0.1*ce(on=raw, classifier=linear)":        true,
		"0.1*ce(on=trunk) + triplet":                         true,
		"ce:on=raw,classifier=linear,lr-scale=1+triplet":     true,
		"contrastive + ce(on=embedding) + 0.5*ce(on=trunk)":  true,
		"ce(on=trunk) + ce(on=raw, classes=batch, scale=10)": false,
	} {
		t.Run(loss, func(t *testing.T) {
			c := cfg
			c.Loss = loss
			steps := 0
			_, r := run(t, c, Options{NoReport: true, NoEmbeddings: true, Hooks: []Hook{{Step: func(_ context.Context, i StepInfo) error {
				require.Equal(t, tells, i.HasActive)
				steps++
				return nil
			}}}})
			require.Equal(t, 3, steps)
			require.Equal(t, 3, r.Steps)
		})
	}
}

func TestLossThatLeavesOutALayer(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Loss = "ce(on=trunk)"
	data := load(t, cfg)
	_, err := New(cfg, data, Options{Dir: t.TempDir()})
	require.ErrorContains(t, err, "does not depend on embedding.fc.weight, embedding.fc.bias")
	_, err = New(cfg, data, Options{Dir: t.TempDir(), LRScales: map[string]float64{"embedding.": 0}})
	require.NoError(t, err, "the way out")
}
