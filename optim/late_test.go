package optim

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/graph"
	"medusa/internal/gpu/gputest"
	"medusa/machine"
)

// Weights that come to a solver later step as by a solver of their own, as in PyTorch, where each parameter has a count of
// its own; those that were there before go on.
func TestLateTensors(t *testing.T) {
	gputest.Prepare(t)
	for _, c := range []Config{{}, {Name: "adamw", WeightDecay: 0.1, DecayAll: true}, {WeightDecay: 0.1, DecayAll: true}, {Name: "sgd", LR: 0.05, Momentum: 0.9}, {Name: "rmsprop"}, {Name: "lion", LR: 0.01}, {Name: "lamb", LR: 0.01, WeightDecay: 0.1}} {
		for _, device := range []string{"cpu", "cuda"} {
			t.Run(c.Name+" "+device, func(t *testing.T) {
				dev, err := machine.Open(device, machine.Options{})
				require.NoError(t, err)
				if dev != nil {
					defer func() { require.NoError(t, dev.Close()) }()
				}
				rng := rand.New(rand.NewPCG(4, 5))
				first, second := normals(rng, 6), normals(rng, 5)
				var before, after [][]float64
				for range 3 {
					before, after = append(before, normals(rng, 6)), append(after, normals(rng, 6))
				}
				late := [][]float64{normals(rng, 5), normals(rng, 5), normals(rng, 5)}

				want := feed(t, []int{2, 3}, first)
				whole, err := New(c, want.tensors, Options{})
				require.NoError(t, err)
				for _, g := range append(append([][]float64{}, before...), after...) {
					want.give(t, g)
					stepOf(t, whole, want)
				}
				alone := feed(t, []int{5}, second)
				own, err := New(c, alone.tensors, Options{})
				require.NoError(t, err)
				for _, g := range late {
					alone.give(t, g)
					stepOf(t, own, alone)
				}

				both := feed(t, []int{2, 3}, first, second)
				one := feedInto(t, both)
				if dev != nil {
					both.onDevice(t, dev)
					one.onDevice(t, dev)
				}
				s, err := New(c, one.tensors, Options{Device: dev})
				require.NoError(t, err)
				for _, g := range before {
					one.give(t, g)
					stepOf(t, s, one)
				}
				both.tensors[1].Begun = 3
				next, err := New(c, both.tensors, Options{Device: dev, Continue: s})
				if c.Name == "lamb" && dev != nil {
					require.ErrorContains(t, err, "lamb cannot begin with w1 after other tensors")
					return
				}
				require.NoError(t, err)
				for i, g := range after {
					both.give(t, g, late[i])
					stepOf(t, next, both)
				}
				require.Equal(t, 6, next.Steps())
				require.NoError(t, dev.Read(graph.Tensors(both.params)...))
				tolerance := 0.0
				if dev != nil {
					tolerance = 3e-6 // as TestStepsOnDevice
				}
				require.InDeltaSlice(t, double(want.params.All()[0].Value.Float32s()), double(both.params.Lookup("w0").Value.Float32s()), tolerance)
				require.InDeltaSlice(t, double(alone.params.All()[0].Value.Float32s()), double(both.params.Lookup("w1").Value.Float32s()), tolerance)
			})
		}
	}
}

func stepOf(t *testing.T, s *Solver, f *fed) {
	t.Helper()
	_, err := s.Step(f.loss, s.Config().LR)
	require.NoError(t, err)
}

// feedInto is a graph over the first weights of another one's set.
func feedInto(t *testing.T, f *fed) *fed {
	t.Helper()
	first := f.params.All()[0]
	one := feed(t, first.Shape(), double(first.Value.Float32s()))
	one.params.All()[0].Value = first.Value
	one.tensors[0].Weights = first.Value.Float32s()
	return one
}

func TestWhatCannotBeContinued(t *testing.T) {
	f := feed(t, []int{2}, []float64{1, 2})
	a, err := New(Config{}, f.tensors, Options{})
	require.NoError(t, err)
	_, err = New(Config{Name: "sgd"}, f.tensors, Options{Continue: a})
	require.ErrorContains(t, err, "Options.Continue: the solver sgd cannot continue adam")
	f.tensors[0].Begun = -1
	_, err = New(Config{}, f.tensors, Options{})
	require.ErrorContains(t, err, "w0 has a Begun of -1")
}
