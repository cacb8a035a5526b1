package trainer

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDefaultIsValidAndComplete(t *testing.T) {
	c := Default()
	require.NoError(t, c.Validate())
	filled := c.Defaults()
	filled.Steps, filled.EvalEvery, filled.Sampler.Seed = 0, 0, 0 // that depend on the run
	require.Equal(t, c, filled)
	zero := Config{Seed: 1}.Defaults()
	zero.Loss, zero.Net, zero.Sampler.Name, zero.Data.MaxPixels, zero.Data.CacheBytes = c.Loss, c.Net, "pk", c.Data.MaxPixels, c.Data.CacheBytes
	require.Equal(t, zero, c.Defaults(), "the zero Config is the same run")
}

// A stored 0 comes back as 0; a file that says nothing of beta1 means what it always meant.
func TestStoredBeta1(t *testing.T) {
	c := Default()
	c.Solver.Beta1 = 0
	text, err := configText(c)
	require.NoError(t, err)
	require.Contains(t, string(text), "beta1: 0\n")
	back, err := parseConfig(text)
	require.NoError(t, err)
	require.Equal(t, c, back)
	require.Zero(t, back.Defaults().Solver.Beta1)

	earlier, err := os.ReadFile(earlier + "/library-pk/" + StoredFile)
	require.NoError(t, err)
	without := strings.Replace(string(earlier), "  beta1: 0.9\n", "", 1)
	require.NotEqual(t, string(earlier), without)
	c, err = parseConfig([]byte(without))
	require.NoError(t, err)
	require.Equal(t, 0.9, c.Solver.Beta1)
}
