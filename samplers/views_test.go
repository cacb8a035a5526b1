package samplers

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each picture stands K times in a row, and an epoch shows all.
func TestViewsRepeatPictures(t *testing.T) {
	s, err := New(labelsOf(3, 10), Config{Name: "views", P: 4, K: 3, Seed: 5})
	require.NoError(t, err)
	require.Equal(t, 12, s.Batch())
	require.Equal(t, 3, s.BatchesPerEpoch())
	batch := make([]int, 12)
	shown := map[int]bool{}
	for range s.BatchesPerEpoch() {
		require.NoError(t, s.Next(batch))
		distinct := map[int]bool{}
		for i, picture := range batch {
			require.Equal(t, batch[i/3*3], picture)
			distinct[picture], shown[picture] = true, true
		}
		require.Len(t, distinct, 4)
	}
	require.Len(t, shown, 10)
}

// The state goes on where it was.
func TestViewsAreResumed(t *testing.T) {
	labels := labelsOf(3, 11)
	c := Config{Name: "views", P: 2, K: 2, Seed: 5}
	one, err := New(labels, c)
	require.NoError(t, err)
	batch, again := make([]int, 4), make([]int, 4)
	for range 3 {
		require.NoError(t, one.Next(batch))
	}
	state, err := one.State()
	require.NoError(t, err)
	other, err := New(labels, c)
	require.NoError(t, err)
	require.NoError(t, other.Restore(state))
	for range 7 {
		require.NoError(t, one.Next(batch))
		require.NoError(t, other.Next(again))
		require.Equal(t, batch, again)
	}
	uniform, err := New(labels, Config{Name: "uniform", Batch: 2, Seed: 5})
	require.NoError(t, err)
	require.Error(t, uniform.Restore(state))
}

func TestViewsDefaultsAndErrors(t *testing.T) {
	for _, c := range []struct {
		pictures, p, k, batch int
	}{{70, 0, 0, 64}, {5, 0, 0, 10}, {70, 0, 4, 64}, {70, 3, 0, 6}} {
		s, err := New(labelsOf(1, c.pictures), Config{Name: "views", P: c.p, K: c.k})
		require.NoError(t, err)
		require.Equal(t, c.batch, s.Batch(), "%+v", c)
		require.EqualError(t, s.Next(nil), fmt.Sprintf("samplers: views: Next got room for 0 indices, a batch has %d", c.batch))
	}
	for want, c := range map[string]Config{
		"K is 1, want at least 2 views":      {K: 1},
		"P is 6 distinct pictures out of 5":  {P: 6},
		"P is -1 distinct pictures out of 5": {P: -1},
		"Batch is 9, but P of 4 and K of 2":  {P: 4, Batch: 9},
		"takes P, K and Seed only":           {Repeat: true},
		"which make a batch above":           {P: 5, K: 1 << 30},
	} {
		c.Name = "views"
		_, err := New(labelsOf(1, 5), c)
		require.ErrorContains(t, err, want)
	}
}
