package cli

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/optim"
	"medusa/trainer"
)

// The flags of averages, of clipping by value and of parameters without weight decay reach the run
// and its config.yaml, from which it can be begun again.
func TestAveragedRunOfFlags(t *testing.T) {
	data, out := folders(t, t.TempDir(), 6, 4), filepath.Join(t.TempDir(), "run")
	args := small("-data", data, "-steps", "2", "-no-report", "-out", out,
		"-solver", "lion", "-weight-decay", "0.1", "-no-decay", "backbone.conv1., *.weight", "-ema", "0.9", "-clip-value", "0.5")
	code, _, stderr := call(args...)
	require.Equal(t, exitOK, code, stderr)
	stored, err := trainer.Stored(out)
	require.NoError(t, err)
	assert.Equal(t, optim.AverageConfig{Decay: 0.9}, stored.Average)
	assert.Equal(t, 0.5, stored.ClipValue)
	assert.Equal(t, optim.Config{Name: "lion", LR: 1e-4, LossLR: 1, Beta1: 0.9, Beta2: 0.99, WeightDecay: 0.1, NoDecay: "backbone.conv1., *.weight"}, stored.Solver)
	assert.Empty(t, trainer.Differences(stored, configured(t, "-config", filepath.Join(out, trainer.ConfigFile))))

	for want, args := range map[string][]string{
		"-ema is 1, want a share from 0 to below 1":                {"-ema", "1"},
		"-no-decay needs a -weight-decay":                          {"-no-decay", "loss."},
		`-no-decay has "bakbone.", which fits the name of no para`: {"-no-decay", "bakbone.", "-weight-decay", "0.1"},
		"-clip-value is -1, want a positive size":                  {"-clip-value", "-1"},
	} {
		code, _, stderr := call(small(append([]string{"-data", data, "-steps", "2", "-no-report", "-out", filepath.Join(t.TempDir(), "run")}, args...)...)...)
		assert.NotEqual(t, exitOK, code)
		assert.Contains(t, stderr, want)
	}
}
