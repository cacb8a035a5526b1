package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	urfave "github.com/urfave/cli/v3"
)

func parsed(t *testing.T, args ...string) (*options, *flags, error) {
	t.Helper()
	f := trainFlags()
	var err error
	cmd := urfave.Command{Flags: f.parsed(), HideHelp: true,
		OnUsageError: func(_ context.Context, _ *urfave.Command, e error, _ bool) error { err = f.explain(e); return nil },
		Action:       func(_ context.Context, cmd *urfave.Command) error { err = unexpected(cmd.Args().Slice()); return nil },
	}
	require.NoError(t, cmd.Run(context.Background(), append([]string{"train"}, args...)))
	if err == nil && f.options.ConfigFile != "" {
		err = f.readConfig(context.Background(), f.options.ConfigFile)
	}
	return f.options, f, err
}

func configWith(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestCommandLineWinsOverConfig(t *testing.T) {
	path := configWith(t, "lr: 0.01\nsteps: 70\nchannels: [8, 16]\nloss: contrastive\nnorm: none\n")
	s, _, err := parsed(t, "-config", path, "-steps", "5")
	require.NoError(t, err)
	assert.Equal(t, 5, s.Steps)
	assert.Equal(t, 0.01, s.Solver.LR)
	assert.Equal(t, []int{8, 16}, s.Net.Channels)
	assert.Equal(t, "contrastive", s.Loss)
	assert.Equal(t, "none", s.Net.Norm)
}

func TestStoredConfigIsReadBack(t *testing.T) {
	s, f, err := parsed(t, "-data", "a b: #c", "-loss", "ce + triplet:margin=0.1", "-size", "64x48", "-lr", "3e-4",
		"-raw", "-train-classes", "0-4", "-seed", "7", "-test", "none", "-val", "0.2")
	require.NoError(t, err)
	text, err := f.writeConfig()
	require.NoError(t, err)
	again, _, err := parsed(t, "-config", configWith(t, string(text)))
	require.NoError(t, err, string(text))
	again.ConfigFile = ""
	assert.Equal(t, s, again)
	assert.NotContains(t, string(text), "resume")
}

func TestWrongNamesGetTheNearest(t *testing.T) {
	cases := map[string]struct {
		args []string
		want string
	}{
		"flag":      {[]string{"-step", "3"}, "did you mean -steps?"},
		"no slip":   {[]string{"-bogus", "3"}, "there is no flag -bogus; -h lists all"},
		"too large": {[]string{"-steps", "99999999999999999999"}, `-steps "99999999999999999999": too large, want a smaller whole number`},
		"far flag":  {[]string{"-xyzzyplugh", "3"}, "-h lists all"},
		"argument":  {[]string{"photos"}, "did you mean -data photos?"},
		"value":     {[]string{"-steps", "many"}, "-steps"},
		"key":       {[]string{"-config", configWith(t, "lr: 1\nlearning: 3\nschedul: x\n")}, `unknown key "learning"`},
		"near key":  {[]string{"-config", configWith(t, "schedul: x\n")}, "did you mean schedule?"},
		"key value": {[]string{"-config", configWith(t, "steps: many\n")}, "line 1: steps"},
		"twice":     {[]string{"-config", configWith(t, "lr: 1\nlr: 2\n")}, "twice"},
		"nested":    {[]string{"-config", configWith(t, "lr: {a: 1}\n")}, "plain value"},
		"no map":    {[]string{"-config", configWith(t, "- lr\n")}, "name: value"},
		"missing":   {[]string{"-config", "nowhere.yaml"}, "nowhere.yaml"},
		"overruled": {[]string{"-steps", "4", "-config", configWith(t, "steps: many\n")}, "steps"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, _, err := parsed(t, c.args...)
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.want)
		})
	}
}

func TestHelpListsEveryFlagInNarrowLines(t *testing.T) {
	_, f, err := parsed(t, "-h")
	require.NoError(t, err)
	require.True(t, f.call.help)
	page := f.page(80)
	for _, name := range f.names() {
		assert.Contains(t, page, "  -"+name)
	}
	for line := range strings.Lines(page) {
		assert.LessOrEqual(t, len([]rune(line)), 81, line)
	}
}

func FuzzConfigFile(f *testing.F) {
	f.Add("lr: 0.1\nsteps: 3\n")
	f.Add("a: [1, {b: 2}]\n")
	f.Add("&x lr: *x\n")
	f.Fuzz(func(t *testing.T, text string) {
		_ = trainFlags().YAML("run.yaml", []byte(text)) // must not panic
	})
}
