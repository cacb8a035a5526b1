package optim

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Factors of all groups that a parameter is in count, and vectors have no decay unless it is asked
// for.
func TestGroups(t *testing.T) {
	one := []float64{1, 1, 1, 1}
	step := func(c Config, groups ...Group) []float64 {
		in := feed(t, []int{2, 2}, one, one)
		s, err := New(c, in.tensors, Options{Groups: groups})
		require.NoError(t, err)
		in.give(t, one, one)
		_, err = s.Step(in.loss, 1)
		require.NoError(t, err)
		return []float64{float64(in.tensors[0].Weights[3]), float64(in.tensors[1].Weights[3])}
	}
	sgd := Config{Name: "sgd", WeightDecay: 0.5}
	all := sgd
	all.DecayAll = true
	require.Equal(t, []float64{-0.5, 0}, step(sgd), "1 − 1·(1 + 0.5·1), and without decay")
	require.Equal(t, []float64{-0.5, -0.5}, step(all))
	require.Equal(t, []float64{0, -0.5}, step(all, Group{"w0", 1, 0}))
	require.Equal(t, []float64{0.25, 0.25}, step(all, Group{"w", 0.5, 1}))
	require.Equal(t, []float64{0.25, 0.5}, step(all, Group{"w", 0.5, 1}, Group{"*1", 1, 0}))
	require.Equal(t, []float64{0, 0.5}, step(all, Group{"w", 0.5, 1}, Group{"w0", 2, 0}, Group{"w*1", 1, 0}), "all factors count")
	all.NoDecay = "w0, *1"
	require.Equal(t, []float64{0, 0}, step(all))
	require.Equal(t, []float64{0.5, 0}, step(all, LayerDecay(0.5, "w0", "w1")...))
}

func TestGroupsAreRefused(t *testing.T) {
	in := feed(t, []int{1}, []float64{1})
	for want, o := range map[string]Options{
		`no parameter that is learned is in the group "w7"; names are such as w0`: {Groups: []Group{{"w7", 1, 1}}},
		"has an LR of 0, want a factor above 0":                                   {Groups: []Group{{"w", 0, 1}}},
		"has a Decay of -1":                                                       {Groups: []Group{{"w", 1, -1}}},
		`Group.Names is ""`:                                                       {Groups: []Group{{"", 1, 1}}},
		`Group.Names is "[*"`:                                                     {Groups: []Group{{"[*", 1, 1}}},
		"Options.Clip is -1":                                                      {Clip: -1},
		"Options.ClipValue is -1":                                                 {ClipValue: -1},
		"averages need two sets":                                                  {Average: &Averaging{AverageConfig: AverageConfig{Decay: 0.5}}},
		"Decay is 1, want a share":                                                {Average: &Averaging{AverageConfig: AverageConfig{Decay: 1}}},
	} {
		_, err := New(Config{}, in.tensors, o)
		require.ErrorContains(t, err, want)
	}
	for want, c := range map[string]Config{
		`NoDecay has "w7", which fits the name of no parameter`: {NoDecay: "w0,w7", WeightDecay: 1},
		"NoDecay needs a WeightDecay":                           {NoDecay: "w0"},
		`NoDecay has "[*"`:                                      {NoDecay: "[*", WeightDecay: 1},
		`Name is "lyon" (did you mean "lion"?)`:                 {Name: "lyon"},
		"LR is -1":                                              {LR: -1},
		"Beta2 means nothing to Name sgd":                       {Name: "sgd", Beta2: 0.5},
		"Nesterov needs a Momentum":                             {Name: "sgd", Nesterov: true},
	} {
		_, err := New(c, in.tensors, Options{})
		require.ErrorContains(t, err, want)
	}
	_, err := New(Config{LR: -1, Momentum: 2, Name: "sgd"}, in.tensors, Options{})
	require.ErrorContains(t, err, "LR is -1")
	require.ErrorContains(t, err, "Momentum is 2", "all at once")
	_, err = New(Config{}, nil, Options{})
	require.ErrorIs(t, err, ErrNothingLearned)
	_, err = New(Config{}, append(in.tensors, in.tensors...), Options{})
	require.ErrorContains(t, err, "two tensors are called w0")
	_, err = New(Config{}, []Tensor{{Name: "x", Shape: []int{1}, Weights: []float32{1}, Scale: 1}}, Options{})
	require.ErrorContains(t, err, "has no gradient")
}
