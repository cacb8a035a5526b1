package samplers

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// place is where a picture lies: the classes on a line, a class's pictures close together.
func place(labels []int, picture int) []float32 {
	return []float32{float32(labels[picture]) + float32(picture%3)/10, 1}
}

func places(labels, batch []int) []float32 {
	var all []float32
	for _, picture := range batch {
		all = append(all, place(labels, picture)...)
	}
	return all
}

func newHard(t testing.TB, labels []int, c Config, delay int) *Hard {
	c.Name = "pk-hard"
	s, err := NewHard(labels, c)
	require.NoError(t, err)
	require.NoError(t, s.Delay(delay))
	return s
}

// With all pictures known and in the pool, half of a batch are the nearest classes that
// are not yet in it: of classes on a line those next to a dealt one.
func TestHardNegativesAreTheNearest(t *testing.T) {
	labels := labelsOf(3, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6)
	s := newHard(t, labels, Config{P: 2, K: 3, Pool: len(labels), Seed: 1}, 1)
	batch := make([]int, s.Batch())
	near, all := 0, 0
	for step := range 400 {
		require.NoError(t, s.Next(batch))
		require.NoError(t, s.Observe(places(labels, batch)))
		if step < 200 { // until every picture has been in a batch
			continue
		}
		d := labels[batch[0]] - labels[batch[3]]
		all++
		if max(d, -d) == 7 { // labelsOf numbers the classes in steps of 7
			near++
		}
	}
	assert.Equal(t, all, near, "the second class is next to the first")
}

// A pool of one picture is no bias at all, and a larger one is more: the mean distance
// between the two classes of a batch falls.
func TestPoolSetsTheBias(t *testing.T) {
	labels := labelsOf(3, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6)
	mean := func(pool int) float64 {
		s := newHard(t, labels, Config{P: 2, K: 3, Pool: pool, Seed: 2}, 1)
		batch := make([]int, s.Batch())
		sum := 0
		const from, to = 200, 2200
		for step := range to {
			require.NoError(t, s.Next(batch))
			require.NoError(t, s.Observe(places(labels, batch)))
			if step >= from {
				d := labels[batch[0]] - labels[batch[3]]
				sum += max(d, -d)
			}
		}
		return float64(sum) / (to - from)
	}
	one, five, many := mean(1), mean(5), mean(60)
	assert.Less(t, five, 0.6*one)
	assert.Less(t, many, 0.6*five)
}

// The batches do not depend on how far ahead of the observations they are drawn, up to
// the delay.
func TestBatchesDoNotDependOnTheLoader(t *testing.T) {
	labels := labelsOf(5, 5, 6, 7, 8, 9, 5, 6, 7, 8, 9)
	draw := func(seed uint64, ahead int) [][]int {
		s := newHard(t, labels, Config{P: 4, K: 3, Pool: 7, Seed: 3}, 5)
		rng := rand.New(rand.NewPCG(seed, 0))
		var batches [][]int
		observed := 0
		for len(batches) < 60 {
			if len(batches)-observed < ahead && (len(batches) == observed || rng.IntN(2) == 0) {
				batch := make([]int, s.Batch())
				require.NoError(t, s.Next(batch))
				batches = append(batches, batch)
				continue
			}
			require.NoError(t, s.Observe(places(labels, batches[observed])))
			observed++
		}
		return batches
	}
	want := draw(0, 1)
	for seed := range uint64(20) {
		require.Equal(t, want, draw(seed, 1+int(seed)%5))
	}
	unobserved := run(t, newHard(t, labels, Config{P: 4, K: 3, Pool: 7, Seed: 3}, 5), 60)
	require.NotEqual(t, slices.Concat(want...), unobserved)
}

// A state as of a batch that was consumed goes on as the unbroken sampler does, however
// many batches had been drawn ahead of it.
func TestStateOfAHardSamplerHoldsWhatWasDrawnAhead(t *testing.T) {
	labels := labelsOf(5, 5, 6, 7, 8, 9, 5, 6, 7, 8, 9)
	c := Config{P: 4, K: 3, Pool: 7, Seed: 3}
	const delay = 4
	for seed := range uint64(40) {
		s := newHard(t, labels, c, delay)
		rng := rand.New(rand.NewPCG(seed, 9))
		var batches [][]int
		observed := 0
		next := func(s *Hard) []int {
			batch := make([]int, s.Batch())
			require.NoError(t, s.Next(batch))
			return batch
		}
		stop := rng.IntN(30)
		for observed < stop {
			for len(batches)-observed <= rng.IntN(delay) {
				batches = append(batches, next(s))
			}
			require.NoError(t, s.Observe(places(labels, batches[observed])))
			observed++
		}
		state, err := s.StateAt(observed)
		require.NoError(t, err)
		want := batches[observed:]
		fresh := newHard(t, labels, Config{P: 4, K: 3, Pool: 7, Seed: 77}, 1)
		require.NoError(t, fresh.Restore(state))
		var got [][]int
		for i := range 25 { // the unbroken one and the restored one side by side
			if i >= len(want) {
				want = append(want, next(s))
			}
			got = append(got, next(fresh))
			require.Equal(t, want[i], got[i], "seed %d: batch %d after batch %d", seed, i, observed)
			require.NoError(t, s.Observe(places(labels, want[i])))
			require.NoError(t, fresh.Observe(places(labels, got[i])))
		}
		again, err := s.StateAt(observed + 25)
		require.NoError(t, err)
		own, err := fresh.StateAt(observed + 25)
		require.NoError(t, err)
		require.Equal(t, again, own)
	}
}

func TestObservationsOutOfTurnAreRefused(t *testing.T) {
	labels := labelsOf(5, 5, 6, 7, 8)
	s := newHard(t, labels, Config{P: 2, K: 2}, 2)
	assert.EqualError(t, s.Observe(make([]float32, 8)), "samplers: pk-hard: embeddings of batch 0, which was not yielded yet")
	batch := make([]int, 4)
	require.NoError(t, s.Next(batch))
	assert.EqualError(t, s.Observe(make([]float32, 7)), "samplers: pk-hard: 7 numbers, want embeddings of 4 pictures, all of one size (0 so far)")
	require.NoError(t, s.Observe(make([]float32, 8)))
	require.NoError(t, s.Next(batch))
	require.NoError(t, s.Next(batch))
	assert.EqualError(t, s.Next(batch), "samplers: pk-hard: batch 3 is drawn from the embeddings of 2 batches, and only 1 were observed: "+
		"observe every batch, or set a larger delay")
	assert.EqualError(t, s.Observe(make([]float32, 4)), "samplers: pk-hard: 4 numbers, want embeddings of 4 pictures, all of one size (2 so far)")
	assert.EqualError(t, s.Delay(3), "samplers: pk-hard: a delay of 3 after 3 batches, want at least 1, before the first batch")
	_, err := s.StateAt(0)
	assert.EqualError(t, err, "samplers: pk-hard: the state before batch 0 is not known, only those before batches 1 to 3")
	late := newHard(t, labels, Config{P: 2, K: 2}, 1)
	run(t, late, 3)
	assert.EqualError(t, late.Observe(make([]float32, 8)), "samplers: pk-hard: the first embeddings come after 3 batches: observe every batch from the first one on")
}

// A loader draws in one goroutine while the step observes and saves in another.
func TestHardIsSafeBesideItsLoader(t *testing.T) {
	labels := labelsOf(5, 5, 6, 7, 8, 9)
	s := newHard(t, labels, Config{P: 3, K: 2}, 3)
	const steps = 200
	batches := make(chan []int, 1) // one here, one in the drawer's hand, one with the step
	var done sync.WaitGroup
	done.Go(func() {
		defer close(batches)
		for range steps {
			batch := make([]int, s.Batch())
			if !assert.NoError(t, s.Next(batch)) {
				return
			}
			batches <- batch
		}
	})
	n := 0
	for batch := range batches {
		require.NoError(t, s.Observe(places(labels, batch)))
		n++
		_, err := s.StateAt(n)
		require.NoError(t, err)
	}
	done.Wait()
	assert.Equal(t, steps, n)
}
