package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/trainer"
)

// tiny is a run of a moment where nothing is said of batches and parts.
func tiny(args ...string) []string {
	return append([]string{"-size", "12", "-channels", "4,8", "-embedding", "8", "-steps", "4", "-no-report"}, args...)
}

func TestDefaultsFitTheData(t *testing.T) {
	for name, c := range map[string]struct {
		classes, pictures int
		want              []string
		not               string
	}{
		"many":          {24, 4, []string{"validation"}, "fitted to the data"},
		"nine":          {9, 8, []string{"-p 9: 9 classes to learn", "-k 7: for batches of about 64 pictures", "-val none: 9 classes", "4 steps of 63 pictures", "nothing is measured"}, "validation before"},
		"two of two":    {2, 2, []string{"-p 2: 2 classes to learn", "-k 2: 2 of 2 classes have fewer than 3 pictures", "4 steps of 4 pictures"}, "validation before"},
		"twelve people": {12, 3, []string{"-p 10: 10 classes to learn", "-k 3:", "is small to choose weights by"}, "nothing is measured"},
	} {
		t.Run(name, func(t *testing.T) {
			data, out := folders(t, t.TempDir(), c.classes, c.pictures), filepath.Join(t.TempDir(), "run")
			code, stdout, stderr := call(tiny("-data", data, "-out", out)...)
			require.Equal(t, exitOK, code, stderr)
			for _, want := range c.want {
				assert.Contains(t, stdout, want)
			}
			assert.NotContains(t, stdout, c.not)

			// config.yaml leaves to the data what was left to it, and gives the same run again.
			again := filepath.Join(t.TempDir(), "again")
			code, _, stderr = call("-config", filepath.Join(out, "config.yaml"), "-out", again)
			require.Equal(t, exitOK, code, stderr)
			a, err := os.ReadFile(filepath.Join(out, "model.safetensors"))
			require.NoError(t, err)
			b, err := os.ReadFile(filepath.Join(again, "model.safetensors"))
			require.NoError(t, err)
			require.Equal(t, a, b)
			other := folders(t, t.TempDir(), 5, 4)
			code, stdout, stderr = call("-config", filepath.Join(out, "config.yaml"), "-data", other, "-out", filepath.Join(t.TempDir(), "other"))
			require.Equal(t, exitOK, code, stderr)
			assert.Contains(t, stdout, "-p 5: 5 classes to learn", "other data, other sizes")

			// A run that lost its result goes on with what the data chose when it began.
			require.NoError(t, os.Remove(filepath.Join(out, "result.json")))
			code, _, stderr = call("-resume", out)
			require.Equal(t, exitOK, code, stderr)
			c, err := os.ReadFile(filepath.Join(out, "model.safetensors"))
			require.NoError(t, err)
			require.Equal(t, a, c)
		})
	}
}

// What an error advises is typed, and works.
func TestAdvisedSizesWork(t *testing.T) {
	data := folders(t, t.TempDir(), 6, 4)
	for _, given := range [][]string{{"-p", "40"}, {"-k", "9"}, {"-p", "4", "-k", "9"}} {
		code, stdout, stderr := call(tiny(append(given, "-data", data, "-out", filepath.Join(t.TempDir(), "run"))...)...)
		require.Equal(t, exitFailed, code)
		assert.Contains(t, stdout, "of 6 classes usable", "what was found is shown first")
		assert.NotContains(t, stderr, "Sampler.")
		_, ways, _ := strings.Cut(stderr, "want ")
		advised := regexp.MustCompile(`-[pk] \d+|-repeat`).FindAllString(ways, -1)
		require.NotEmpty(t, advised, stderr)
		for _, way := range advised {
			args := append(append([]string{}, given...), strings.Fields(way)...) // the later flag wins
			code, _, again := call(tiny(append(args, "-data", data, "-out", filepath.Join(t.TempDir(), "run"))...)...)
			require.Equal(t, exitOK, code, "%s: %s", way, again)
		}
		require.Contains(t, stderr, "leave out "+given[0])
	}
}

// Warnings stand in the terminal, in result.json and in the report, with the names of flags.
func TestWarningsAreEverywhere(t *testing.T) {
	data, out := folders(t, t.TempDir(), 12, 4), filepath.Join(t.TempDir(), "run")
	code, stdout, stderr := call("-data", data, "-size", "12", "-channels", "4,8", "-embedding", "8", "-steps", "4", "-out", out)
	require.Equal(t, exitOK, code, stderr)
	const message = "(classes: 2, queries: 8) is small to choose weights by"
	assert.Contains(t, stdout, "warning before training: the validation part "+message)
	assert.Contains(t, stdout, "give more validation classes (-val PATH); or keep the weights of the last step (-keep last)")
	raw, err := os.ReadFile(filepath.Join(out, "result.json"))
	require.NoError(t, err)
	var r trainer.Result
	require.NoError(t, json.Unmarshal(raw, &r))
	require.NotEmpty(t, r.Warnings)
	assert.Contains(t, r.Warnings[0].Message, message)
	page, err := os.ReadFile(filepath.Join(out, "report.html"))
	require.NoError(t, err)
	assert.Contains(t, string(page), message)
}

func TestFlagsAreNamedAsTheyAreTyped(t *testing.T) {
	assert.Equal(t, "-val 0.34", asFlag("Data.Val", "0.34"))
	assert.Equal(t, "-repeat", asFlag("Sampler.Repeat", "true"))
	assert.Equal(t, "-p", asFlag("Sampler.P", ""))
	assert.Equal(t, "-metric map_at_r", asFlag("Metric", "map_at_r"))
}
