package trainer

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Who begins with Default or DefaultSolver says what they mean, 0 too; a literal that leaves
// numbers out has those of the solver.
func TestDefaultsOfASolver(t *testing.T) {
	published := SolverConfig{Name: "adam", LR: 1e-3, LossLR: 1, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8}
	with := func(change func(*SolverConfig)) SolverConfig { s := published; change(&s); return s }
	fromDefault := DefaultSolver("adam")
	fromDefault.Beta1 = 0
	for name, c := range map[string]struct{ given, want SolverConfig }{
		"nothing":          {SolverConfig{}, published},
		"a rate":           {SolverConfig{LR: 0.5}, with(func(s *SolverConfig) { s.LR = 0.5 })},
		"one decay":        {SolverConfig{Beta2: 0.5}, with(func(s *SolverConfig) { s.Beta2 = 0.5 })},
		"one small number": {SolverConfig{Eps: 1e-3}, with(func(s *SolverConfig) { s.Eps = 1e-3 })},
		"the prototype":    {DefaultSolver(""), published},
		"no momentum":      {fromDefault, with(func(s *SolverConfig) { s.Beta1 = 0 })},
		"spelled out":      {SolverConfig{Beta2: 0.5, Eps: 1e-3}, with(func(s *SolverConfig) { s.Beta1, s.Beta2, s.Eps = 0, 0.5, 1e-3 })},
		"sgd":              {SolverConfig{Name: "sgd"}, SolverConfig{Name: "sgd", LR: 0.05, LossLR: 1}},
		"rmsprop":          {SolverConfig{Name: "rmsprop", Momentum: 0.5}, SolverConfig{Name: "rmsprop", LR: 1e-3, LossLR: 1, Momentum: 0.5, Alpha: 0.99, Eps: 1e-8}},
	} {
		require.Equal(t, c.want, c.given.defaults(), name)
		require.Equal(t, c.want, c.want.defaults(), "%s, once more", name)
	}
}

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
