package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/trainer"
)

// From pictures to a model, from that to other classes with a head that warms up and a stage that stays, and longer: what is
// said on the way, and what the run folder says of it.
func TestFineTuning(t *testing.T) {
	dir := t.TempDir()
	first, second := folders(t, filepath.Join(dir, "first"), 8, 6), folders(t, filepath.Join(dir, "second"), 10, 6)
	begun, tuned := filepath.Join(dir, "begun"), filepath.Join(dir, "tuned")
	code, _, said := call(small("-data", first, "-steps", "4", "-no-report", "-out", begun, "-resize", "pad")...)
	require.Zero(t, code, said)

	code, out, said := call("-data", second, "-from", begun, "-loss", "proxy-anchor", "-p", "3", "-k", "2", "-epochs", "3", "-no-report", "-out", tuned,
		"-freeze", "conv1", "-warmup-head", "1", "-lr-scale", "conv2=0.1,loss=2", "-size", "14")
	require.Zero(t, code, said)
	for _, line := range []string{
		`-size 14 is taken, though the model .*begun has 12`,
		`weights of +parameters +rate +learns`,
		`conv1 +44 +never`,
		`conv2 +304 +0.0001 +from step \d+, after 1 epoch\n`,
		`embedding +72 +0.001 +from the start`,
		`loss +\d+ +0.002 +from the start`,
		`step \d+: conv2, 304 parameters, learn from here on`,
	} {
		assert.Regexp(t, line, out)
	}
	text, err := os.ReadFile(filepath.Join(tuned, trainer.ConfigFile))
	require.NoError(t, err)
	for _, line := range []string{"resize: pad", "channels: [4, 8]", "normalise: given", "height: 14", "warmup_head: 1", "freeze: conv1", "lr_scale: conv2=0.1,loss=2"} {
		assert.Contains(t, string(text), line)
	}
	stored, err := trainer.StoredResult(tuned)
	require.NoError(t, err)
	require.Equal(t, begun, stored.From.Path)

	code, _, said = call("-resume", tuned)
	require.Zero(t, code, said)
	code, out, said = call("-resume", tuned, "-epochs", "4", "-no-report")
	require.Zero(t, code, said)
	assert.Regexp(t, `going on after step \d+`, out)
	text, err = os.ReadFile(filepath.Join(tuned, trainer.ConfigFile))
	require.NoError(t, err)
	assert.Contains(t, string(text), "epochs: 4")
	longer, err := trainer.StoredResult(tuned)
	require.NoError(t, err)
	require.Equal(t, stored.Steps/3*4, longer.Steps)
	for _, args := range [][]string{{"-resume", tuned}, {"-resume", begun, "-steps", "6", "-no-report"}, {"-resume", begun}} {
		code, out, said = call(args...)
		require.Zero(t, code, said)
	}
	assert.Contains(t, out, "nothing is left to do")
}

// What is typed wrong about fine-tuning is told in the words of the command line, before pictures are read.
func TestFineTuningMistyped(t *testing.T) {
	dir := t.TempDir()
	data, begun, cosine := folders(t, filepath.Join(dir, "data"), 8, 6), filepath.Join(dir, "begun"), filepath.Join(dir, "cosine")
	code, _, said := call(small("-data", data, "-steps", "2", "-no-report", "-out", begun)...)
	require.Zero(t, code, said)
	code, _, said = call(small("-data", data, "-steps", "2", "-no-report", "-schedule", "cosine", "-out", cosine)...)
	require.Zero(t, code, said)
	for want, args := range map[string][]string{
		`-freeze has "conv9" (did you mean "conv1"?), which is no part of the network: the stages of cnn are conv1, conv2, conv3; backbone is all of them`: {"-freeze", "conv9"},
		`-unfreeze is 2, but nothing is frozen: say by -freeze what is, or leave it out`:                                                                   {"-unfreeze", "2"},
		`-lr-scale has "conv1", want NAME=FACTOR`:                                                      {"-lr-scale", "conv1"},
		`-layer-decay is 0, want above 0, at most 1`:                                                   {"-layer-decay", "0"},
		`-from: ` + dir + ` holds no model`:                                                            {"-from", dir},
		`-backbone is resnet18, but the model ` + begun + ` has cnn: leave it out, or leave out -from`: {"-from", begun, "-backbone", "resnet18"},
		`-colour is rgb, but the model ` + begun + ` is for pictures of grey: leave it out`:            {"-from", begun, "-colour", "rgb"},
		`-from cannot change a run that is resumed`:                                                    {"-resume", begun, "-from", begun},
		`-steps is 1, but the run has 2: want more, to lengthen it`:                                    {"-resume", begun, "-steps", "1"},
		`-epochs cannot lengthen the run: schedule.name (` + filepath.Join(cosine, "config.yaml"):      {"-resume", cosine, "-epochs", "9"},
	} {
		code, _, said := call(args...)
		assert.NotZero(t, code)
		assert.Contains(t, strings.Join(strings.Fields(said), " "), want)
	}
}
