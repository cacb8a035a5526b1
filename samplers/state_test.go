package samplers

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stateCase is a random sampler of any kind, with its data set and configuration.
func stateCase(t testing.TB, seed uint64) (Sampler, []int, Config) {
	labels, c := randomCase(seed)
	d := anyPictures(labels)
	switch {
	case seed%4 == 0:
		c = Config{Name: "uniform", Batch: 1 + int(seed)%len(labels), Seed: seed}
	case seed%16 == 1:
		c = Config{Name: tuplesToWeightsName, Batch: 1 + int(seed)%len(labels), Seed: seed}
	}
	s, err := Of(d, c)
	require.NoError(t, err)
	return s, labels, c
}

func TestRestoredSamplerGoesOnAsTheUnbrokenOne(t *testing.T) {
	for seed := range uint64(200) {
		s, labels, c := stateCase(t, seed)
		run(t, s, int(seed)%(2*s.BatchesPerEpoch()+2))
		state, err := s.State()
		require.NoError(t, err)
		want := run(t, s, 2*s.BatchesPerEpoch()+3)

		c.Seed += 100 // the state's generator counts, not the new seed
		fresh, err := Of(anyPictures(labels), c)
		require.NoError(t, err)
		run(t, fresh, 3)
		require.NoError(t, fresh.Restore(state))
		again, err := fresh.State()
		require.NoError(t, err)
		require.Equal(t, state, again, "seed %d", seed)
		require.Equal(t, want, run(t, fresh, 2*s.BatchesPerEpoch()+3), "seed %d: %+v", seed, c)
	}
}

func TestForeignStatesAreRefused(t *testing.T) {
	labels := labelsOf(1, 6, 6, 6)
	c := Config{P: 2, K: 3}
	s, err := New(labels, c)
	require.NoError(t, err)
	run(t, s, 2)
	own, err := s.State()
	require.NoError(t, err)
	stateOf := func(labels []int, c Config) []byte {
		other, err := New(labels, c)
		require.NoError(t, err)
		state, err := other.State()
		require.NoError(t, err)
		return state
	}
	otherData := "samplers: the state belongs to a pk sampler over other labels or with other P, K, batch, repeat, power or pool; " +
		"go on with the data set and configuration that it was saved with"
	for name, tc := range map[string]struct {
		state []byte
		want  string
	}{
		"empty":         {nil, "samplers: the state is cut short"},
		"not a state":   {make([]byte, 300), "samplers: this is no sampler's state, or one of another version"},
		"other sampler": {stateOf(labels, Config{Name: "uniform"}.withBatch(4)), `samplers: the state belongs to sampler "uniform", this one is pk`},
		"other labels":  {stateOf(labelsOf(2, 6, 6, 6), c), otherData},
		"other K":       {stateOf(labels, Config{P: 3, K: 2}), otherData},
		"cut":           {own[:len(own)-1], "samplers: the state is cut short"},
		"longer":        {append(append([]byte{}, own...), 0), "samplers: the state is damaged: 1 bytes too many"},
	} {
		before := run(t, restored(t, labels, c, own), 5)
		broken := restored(t, labels, c, own)
		assert.EqualError(t, broken.Restore(tc.state), tc.want, name)
		assert.Equal(t, before, run(t, broken, 5), "%s: a refused state changes nothing", name)
	}
}

func (c Config) withBatch(n int) Config { c.Batch = n; return c }

func restored(t testing.TB, labels []int, c Config, state []byte) Sampler {
	s, err := New(labels, c)
	require.NoError(t, err)
	require.NoError(t, s.Restore(state))
	return s
}

// FuzzRestore: damaged states are refused, or leave a sampler that still keeps its
// promises.
func FuzzRestore(f *testing.F) {
	for seed := range uint64(8) {
		s, _, _ := stateCase(f, seed)
		run(f, s, 2)
		state, err := s.State()
		require.NoError(f, err)
		f.Add(seed, state)
		rng := rand.New(rand.NewPCG(seed, 3))
		for range 20 {
			damaged := append([]byte{}, state...)
			damaged[rng.IntN(len(damaged))] ^= byte(1 << rng.IntN(8))
			f.Add(seed, damaged)
		}
		f.Add(seed, state[:len(state)/2])
	}
	f.Fuzz(func(t *testing.T, seed uint64, state []byte) {
		s, labels, c := stateCase(t, seed%64)
		if s.Restore(state) != nil {
			return
		}
		batch := make([]int, s.Batch())
		for range 3 {
			require.NoError(t, s.Next(batch))
			distinct := map[int]bool{}
			for _, i := range batch {
				require.GreaterOrEqual(t, i, 0)
				require.Less(t, i, len(labels))
				distinct[i] = true
			}
			if !c.Repeat && c.Name != tuplesToWeightsName {
				require.Len(t, distinct, s.Batch())
			}
		}
	})
}
