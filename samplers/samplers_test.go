package samplers

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// labelsOf repeats label i of a data set sizes[i] times, in shuffled order; labels are
// spread out, and negative ones are among them.
func labelsOf(seed uint64, sizes ...int) []int {
	var labels []int
	for i, n := range sizes {
		for range n {
			labels = append(labels, 7*i-10)
		}
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	rng.Shuffle(len(labels), func(i, j int) { labels[i], labels[j] = labels[j], labels[i] })
	return labels
}

// randomCase is a data set and a P×K configuration that suits it.
func randomCase(seed uint64) ([]int, Config) {
	rng := rand.New(rand.NewPCG(seed, 1))
	sizes := make([]int, 1+rng.IntN(12))
	for i := range sizes {
		sizes[i] = 1 + rng.IntN(9)
	}
	c := Config{
		Name: []string{"pk", "pk-independent", "pk-weighted"}[rng.IntN(3)],
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

func TestUniformShowsEveryPictureInAnEpoch(t *testing.T) {
	for _, tc := range []struct{ n, batch int }{{10, 10}, {10, 3}, {17, 16}, {1, 1}, {100, 7}} {
		s, err := New(labelsOf(3, tc.n), Config{Name: "uniform", Batch: tc.batch})
		require.NoError(t, err)
		batch := make([]int, s.Batch())
		for range 3 {
			shown := map[int]int{}
			for range s.BatchesPerEpoch() {
				require.NoError(t, s.Next(batch))
				distinct := map[int]bool{}
				for _, i := range batch {
					shown[i]++
					distinct[i] = true
				}
				require.Len(t, distinct, tc.batch, "%v: a batch holds distinct pictures", tc)
			}
			require.Len(t, shown, tc.n, "%v", tc)
			least, most := bounds(shown)
			require.LessOrEqual(t, most-least, 1, "%v", tc)
		}
	}
}

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
			c := Config{Name: name, P: 3, K: 2, Seed: seed}
			if name == "uniform" {
				c = Config{Name: name, Batch: 6, Seed: seed}
			}
			s, err := New(labelsOf(1, 5, 6, 7, 8, 9), c)
			require.NoError(t, err)
			return run(t, s, 20)
		}
		assert.Equal(t, draw(1), draw(1), name)
		assert.NotEqual(t, draw(1), draw(2), name)
	}
}

// run is the indices of the next batches in one slice.
func run(t testing.TB, s Sampler, batches int) []int {
	all := make([]int, batches*s.Batch())
	for b := range batches {
		require.NoError(t, s.Next(all[b*s.Batch():(b+1)*s.Batch()]))
	}
	return all
}

func TestNextDoesNotAllocate(t *testing.T) {
	for _, name := range []string{"pk", "pk-independent", "pk-weighted", "uniform"} {
		c := Config{Name: name, P: 3, K: 6, Repeat: true}
		if name == "uniform" {
			c = Config{Name: name, Batch: 18}
		}
		s, err := New(labelsOf(1, 5, 6, 7, 8, 9), c)
		require.NoError(t, err)
		batch := make([]int, s.Batch())
		assert.Zero(t, testing.AllocsPerRun(100, func() { _ = s.Next(batch) }), name)
	}
}

func TestEpochLength(t *testing.T) {
	for _, tc := range []struct {
		sizes []int
		c     Config
		want  int
	}{
		{[]int{20, 20, 20}, Config{P: 2, K: 4}, 8},                  // ⌈60/8⌉
		{[]int{2, 2, 2, 2, 2}, Config{P: 2, K: 8, Repeat: true}, 3}, // ⌈5/2⌉ above ⌈10/16⌉
		{[]int{20, 3, 20}, Config{P: 2, K: 4}, 5},                   // the class of 3 is left out
		{[]int{20}, Config{Name: "uniform", Batch: 6}, 4},
	} {
		s, err := New(labelsOf(1, tc.sizes...), tc.c)
		require.NoError(t, err)
		assert.Equal(t, tc.want, s.BatchesPerEpoch(), "%v %+v", tc.sizes, tc.c)
	}
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

func TestErrorsNameTheWayOut(t *testing.T) {
	labels := labelsOf(1, 5, 2, 3)
	for _, tc := range []struct {
		c    Config
		want string
	}{
		{Config{Name: "pkk"}, `samplers: no sampler "pkk"; there are pk, pk-independent, pk-weighted, uniform`},
		{Config{P: 4, K: 2}, "samplers: pk: a batch needs P = 4 classes, but there are 3; lower P to at most 3"},
		{Config{P: 2, K: 4}, "samplers: pk: a batch needs P = 2 classes of at least K = 4 pictures, but only 1 of 3 classes have as many; " +
			"lower K or P, or let small classes repeat their pictures (repeat)"},
		{Config{P: -1}, "samplers: pk: P = -1, K = 4; both must be positive"},
		{Config{P: 2, K: 2, Batch: 5}, "samplers: pk: batch is 5 but P·K = 2·2 = 4; leave batch out, or make them equal"},
		{Config{P: 2, K: 2, Power: 1}, "samplers: pk draws every class equally and takes no power; pk-weighted does"},
		{Config{Name: "pk-independent", P: 2, K: 2, Power: 1}, "samplers: pk-independent draws every class equally and takes no power; pk-weighted does"},
		{Config{Name: "pk-weighted", P: 2, K: 2, Power: 200}, "samplers: pk-weighted: with power 200 the class of label -3, with 2 pictures, would never come up; take a power nearer to 0"},
		{Config{Name: "pk-weighted", P: 2, K: 2, Power: 1e9}, "samplers: pk-weighted: a class of 5 pictures to the power 1e+09 has weight +Inf; take a power nearer to 0"},
		{Config{Name: "uniform", Batch: 11}, "samplers: uniform: a batch of 11 distinct pictures out of 10; take a batch from 1 to 10"},
		{Config{Name: "uniform", P: 2}, "samplers: uniform takes batch and seed only; p, k, repeat and power belong to the P×K samplers"},
	} {
		_, err := New(labels, tc.c)
		assert.EqualError(t, err, tc.want)
	}
	_, err := New(nil, Config{})
	assert.EqualError(t, err, "samplers: pk: no labels: the data set is empty")

	s, err := New(labels, Config{P: 2, K: 2})
	require.NoError(t, err)
	assert.EqualError(t, s.Next(make([]int, 3)), "samplers: pk: Next got room for 3 indices, a batch has 4")
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

func TestRegister(t *testing.T) {
	assert.Panics(t, func() { Register("pk", newDeckPK) })
	assert.Panics(t, func() { Register("", newDeckPK) })
	assert.Panics(t, func() { Register("x", nil) })
	name := fmt.Sprintf("test-%d", len(Names()))
	Register(name, newDeckPK)
	t.Cleanup(func() { delete(registry.builders, name) })
	s, err := New(labelsOf(1, 4, 4), Config{Name: name, P: 2, K: 2})
	require.NoError(t, err)
	assert.Equal(t, 4, s.Batch())
}

func BenchmarkNext(b *testing.B) {
	sizes := make([]int, 964) // Omniglot's training part: 964 classes of 20
	for i := range sizes {
		sizes[i] = 20
	}
	labels := labelsOf(1, sizes...)
	for _, name := range []string{"pk", "pk-independent", "pk-weighted"} {
		b.Run(name, func(b *testing.B) {
			s, err := New(labels, Config{Name: name})
			require.NoError(b, err)
			batch := make([]int, s.Batch())
			for b.Loop() {
				_ = s.Next(batch)
			}
		})
	}
}
