package samplers

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The share of batches that hold a class is π = min(1, τ·size^power). With P = 2 and
// sizes 1, 2, 3, 4 at power 1, τ = 2/10; at power ½ by hand below; with a class of 100
// beside 1, 1, 2 it is certain and the others share the one place left.
func TestWeightedDrawsClassesInProportionToSize(t *testing.T) {
	for _, tc := range []struct {
		sizes []int
		power float64
		want  []float64
	}{
		{[]int{1, 2, 3, 4}, 0, []float64{.2, .4, .6, .8}},
		{[]int{1, 4, 9, 16}, 0.5, []float64{.2, .4, .6, .8}},
		{[]int{1, 1, 2, 100}, 1, []float64{.25, .25, .5, 1}},
		{[]int{2, 4}, -1, []float64{1, 1}},
		{[]int{1, 2, 2}, -1, []float64{1, .5, .5}},
	} {
		labels := labelsOf(5, tc.sizes...)
		s, err := New(labels, Config{Name: "pk-weighted", P: 2, K: 1, Power: tc.power, Seed: 9})
		require.NoError(t, err)
		const batches = 40_000
		times := map[int]int{}
		batch := make([]int, 2)
		for range batches {
			require.NoError(t, s.Next(batch))
			times[labels[batch[0]]]++
			times[labels[batch[1]]]++
		}
		for i, want := range tc.want {
			// Five standard deviations of a binomial share, at most 5·√(¼/40000).
			assert.InDelta(t, want, float64(times[7*i-10])/batches, 0.0125, "%v^%g class %d", tc.sizes, tc.power, i)
		}
	}
}

func TestInclusionSumsToPExactly(t *testing.T) {
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 2))
		weights := make([]float64, 1+rng.IntN(2000))
		for i := range weights {
			weights[i] = 1 + float64(rng.IntN(1<<rng.IntN(20)))
		}
		p := 1 + rng.IntN(len(weights))
		var sum uint64
		for i, s := range inclusion(weights, p) {
			require.LessOrEqual(t, s, uint64(one), "seed %d class %d", seed, i)
			sum += s
		}
		require.Equal(t, uint64(p)*one, sum, "seed %d", seed)
	}
}

// Independent draws of 2 of 5 classes: each pair of classes has 1/10 of the batches.
func TestIndependentDrawsEveryPairEqually(t *testing.T) {
	labels := labelsOf(1, 3, 3, 3, 3, 3)
	s, err := New(labels, Config{Name: "pk-independent", P: 2, K: 2, Seed: 4})
	require.NoError(t, err)
	const batches = 20_000
	pairs, pictures := map[[2]int]int{}, map[[2]int]int{}
	batch := make([]int, 4)
	for range batches {
		require.NoError(t, s.Next(batch))
		pairs[sorted(labels[batch[0]], labels[batch[2]])]++
		pictures[sorted(batch[0], batch[1])]++
	}
	require.Len(t, pairs, 10)
	require.Len(t, pictures, 15, "five classes of three pictures have 15 pairs of pictures")
	for pair, n := range pairs {
		assert.InDelta(t, .1, float64(n)/batches, 0.011, "%v", pair) // 5·√(.09/20000)
	}
	for pair, n := range pictures {
		assert.InDelta(t, 1./15, float64(n)/batches, 0.009, "%v", pair)
	}
}

func sorted(a, b int) [2]int { return [2]int{min(a, b), max(a, b)} }

func TestSeedFixesTheBatches(t *testing.T) {
	for _, name := range Names() {
		draw := func(seed uint64) []int {
			c := sixOf(name)
			c.Seed = seed
			s, err := Of(anyPictures(labelsOf(1, 5, 6, 7, 8, 9)), c)
			require.NoError(t, err)
			return run(t, s, 20)
		}
		assert.Equal(t, draw(1), draw(1), name)
		assert.NotEqual(t, draw(1), draw(2), name)
	}
}

// faultyDraw breaks the promise of ClassDraw.
type faultyDraw struct {
	*deckDraw
	classes []int32
}

func (d faultyDraw) Draw(_ *rand.Rand, classes []int32) { copy(classes, d.classes) }

func TestFaultyDrawIsRefused(t *testing.T) {
	for want, classes := range map[string][]int32{
		"samplers: hard: the draw chose class 1 twice in a batch": {1, 1},
		"samplers: hard: the draw chose class 3 of 3":             {0, 3},
		"samplers: hard: the draw chose class -1 of 3":            {-1, 0},
	} {
		s, err := NewPK(labelsOf(1, 4, 4, 4), Config{Name: "hard", P: 2, K: 2}, func(classes2 []Class, c Config) (ClassDraw, error) {
			return faultyDraw{classes: classes, deckDraw: &deckDraw{newDeck(firstInts(len(classes2)))}}, nil
		})
		require.NoError(t, err)
		assert.EqualError(t, s.Next(make([]int, 4)), want)
	}
}
