package optim

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Who begins with Default says what they mean, 0 too; a literal that leaves
// numbers out has those of the solver.
func TestDefaultsOfASolver(t *testing.T) {
	published := Config{Name: "adam", LR: 1e-3, LossLR: 1, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8}
	with := func(change func(*Config)) Config { s := published; change(&s); return s }
	fromDefault := Default("adam")
	fromDefault.Beta1 = 0
	for name, c := range map[string]struct{ given, want Config }{
		"nothing":          {Config{}, published},
		"a rate":           {Config{LR: 0.5}, with(func(s *Config) { s.LR = 0.5 })},
		"one decay":        {Config{Beta2: 0.5}, with(func(s *Config) { s.Beta2 = 0.5 })},
		"one small number": {Config{Eps: 1e-3}, with(func(s *Config) { s.Eps = 1e-3 })},
		"the prototype":    {Default(""), published},
		"no momentum":      {fromDefault, with(func(s *Config) { s.Beta1 = 0 })},
		"spelled out":      {Config{Beta2: 0.5, Eps: 1e-3}, with(func(s *Config) { s.Beta1, s.Beta2, s.Eps = 0, 0.5, 1e-3 })},
		"sgd":              {Config{Name: "sgd"}, Config{Name: "sgd", LR: 0.05, LossLR: 1}},
		"rmsprop":          {Config{Name: "rmsprop", Momentum: 0.5}, Config{Name: "rmsprop", LR: 1e-3, LossLR: 1, Momentum: 0.5, Alpha: 0.99, Eps: 1e-8}},
	} {
		require.Equal(t, c.want, c.given.Defaults(), name)
		require.Equal(t, c.want, c.want.Defaults(), "%s, once more", name)
	}
}
