package samplers

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// randomCase is a data set and a P×K configuration that suits it.
func randomCase(seed uint64) ([]int, Config) {
	rng := rand.New(rand.NewPCG(seed, 1))
	sizes := make([]int, 1+rng.IntN(12))
	for i := range sizes {
		sizes[i] = 1 + rng.IntN(9)
	}
	c := Config{
		Name: []string{"pk", "pk-independent", "pk-weighted", "pk-hard"}[rng.IntN(4)],
		K:    1 + rng.IntN(6), Repeat: rng.IntN(2) == 0, Seed: seed,
	}
	labels := labelsOf(seed, sizes...)
	usable := NewPlan(labels, c.K, c.Repeat).UsableClasses
	if usable == 0 {
		c.Repeat, usable = true, len(sizes)
	}
	c.P = 1 + rng.IntN(usable)
	return labels, c
}

func TestEveryBatchIsPxK(t *testing.T) {
	for seed := range uint64(300) {
		labels, c := randomCase(seed)
		s, err := New(labels, c)
		require.NoError(t, err, "seed %d", seed)
		size := map[int]int{}
		for _, l := range labels {
			size[l]++
		}
		batch := make([]int, s.Batch())
		for range 2*s.BatchesPerEpoch() + 3 {
			require.NoError(t, s.Next(batch))
			classes := map[int]bool{}
			for p := range c.P {
				times := map[int]int{}
				label := labels[batch[p*c.K]]
				for _, i := range batch[p*c.K : (p+1)*c.K] {
					require.Equal(t, label, labels[i], "seed %d: pictures of a class stand side by side", seed)
					times[i]++
				}
				require.False(t, classes[label], "seed %d: class %d twice in a batch", seed, label)
				classes[label] = true
				for i, n := range times {
					require.LessOrEqual(t, n, (c.K+size[label]-1)/size[label], "seed %d: picture %d", seed, i)
				}
				require.Len(t, times, min(c.K, size[label]), "seed %d: as many distinct pictures as there are", seed)
			}
		}
	}
}

// In every epoch of pk every class comes up, none more than once above another; the
// pictures of a class come up equally but for one over the whole run.
func TestDecksAreFair(t *testing.T) {
	for seed := range uint64(200) {
		labels, c := randomCase(seed)
		c.Name = "pk"
		s, err := New(labels, c)
		require.NoError(t, err)
		plan := s.(*PK).Plan()
		batch := make([]int, s.Batch())
		pictures := map[int]int{}
		for range 4 {
			classes := map[int]int{}
			for range s.BatchesPerEpoch() {
				require.NoError(t, s.Next(batch))
				for i, picture := range batch {
					pictures[picture]++
					if i%c.K == 0 {
						classes[labels[picture]]++
					}
				}
			}
			require.Len(t, classes, plan.UsableClasses, "seed %d: an epoch shows every class", seed)
			least, most := bounds(classes)
			require.LessOrEqual(t, most-least, 1, "seed %d: an epoch shows classes equally", seed)
		}
		for _, class := range countClasses(labels) {
			if class.Pictures < c.K {
				continue
			}
			shown := map[int]int{}
			for i, l := range labels {
				if l == class.Label {
					shown[i] = pictures[i]
				}
			}
			least, most := bounds(shown)
			require.LessOrEqual(t, most-least, 1, "seed %d: class %d shows its pictures equally", seed, class.Label)
		}
	}
}

func bounds(m map[int]int) (least, most int) {
	least = 1 << 30
	for _, n := range m {
		least, most = min(least, n), max(most, n)
	}
	return least, most
}

func TestPlan(t *testing.T) {
	labels := []int{5, 5, 5, 2, 2, 9, 9, 9, 9, 1}
	want := Plan{
		Classes: 4, Pictures: 10, UsableClasses: 2, UsablePictures: 7,
		Smallest: Class{1, 1}, Largest: Class{9, 4}, LeftOut: []Class{{1, 1}, {2, 2}},
	}
	assert.Equal(t, want, NewPlan(labels, 3, false))
	want.UsableClasses, want.UsablePictures = 4, 10
	want.LeftOut, want.Repeating = nil, want.LeftOut
	assert.Equal(t, want, NewPlan(labels, 3, true))
	assert.Equal(t, Plan{}, NewPlan(nil, 3, true))
}

func TestPKDefaults(t *testing.T) {
	sizes := make([]int, 16)
	for i := range sizes {
		sizes[i] = 4
	}
	s, err := New(labelsOf(1, sizes...), Config{})
	require.NoError(t, err)
	require.Equal(t, 64, s.Batch())
	require.Len(t, run(t, s, 1), 64)
}
