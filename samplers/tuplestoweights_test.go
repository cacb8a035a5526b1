package samplers

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// byPlace counts as many tuples as the first number of an embedding says.
func byPlace(embeddings []float32, labels []int, _ int) ([]float64, error) {
	counts := make([]float64, len(labels))
	for i := range counts {
		counts[i] = float64(embeddings[i*len(embeddings)/len(labels)])
	}
	return counts, nil
}

func newTuplesToWeights(t *testing.T, labels []int, count Counter, c Config, delay int) *TuplesToWeights {
	t.Helper()
	s, err := NewTuplesToWeights(labels, count, c)
	require.NoError(t, err)
	require.NoError(t, s.Delay(delay))
	return s
}

// observed runs batches whose pictures lie where at says.
func observed(t *testing.T, s Observer, batches int, at func(picture int) float32) (all [][]int) {
	t.Helper()
	for range batches {
		batch := make([]int, s.Batch())
		require.NoError(t, s.Next(batch))
		embeddings := make([]float32, len(batch))
		for i, picture := range batch {
			embeddings[i] = at(picture)
		}
		require.NoError(t, s.Observe(embeddings))
		all = append(all, batch)
	}
	return all
}

// Of three quarters of a batch a picture has the share of its tuples, none if it is in none; the last
// quarter shows all pictures alike. The first epoch shows each picture once.
func TestPicturesComeByTheirTuples(t *testing.T) {
	labels := labelsOf(1, 5, 5, 5, 5)
	s := newTuplesToWeights(t, labels, byPlace, Config{Batch: 20, Seed: 3}, 1)
	require.Equal(t, 1, s.BatchesPerEpoch())
	first := observed(t, s, 1, func(p int) float32 { return float32(p % 4) })
	require.Len(t, distinct(first[0]), 20)
	counts, dealt := make([]float64, 20), make([]float64, 20)
	const batches = 4000
	for _, batch := range observed(t, s, batches, func(p int) float32 { return float32(p % 4) }) {
		for i, picture := range batch {
			if i < 15 {
				counts[picture]++
			} else {
				dealt[picture]++
			}
		}
	}
	for p := range counts {
		want := 15 * batches * float64(p%4) / 30 // 30 tuples in all
		assert.InDelta(t, want, counts[p], 6*math.Sqrt(want+1), "picture %d", p)
		assert.InDelta(t, batches/4, dealt[p], 1, "picture %d", p)
	}
}

func distinct(batch []int) map[int]bool {
	of := map[int]bool{}
	for _, p := range batch {
		of[p] = true
	}
	return of
}

// The miner sees at most Pool pictures, with the embeddings of their last batches, those observed up to
// the delay; without tuples all of these come alike.
func TestTuplesAreMinedOfWhatIsKnown(t *testing.T) {
	labels := labelsOf(2, 6, 6, 6, 6, 6)
	var sizes, epochs []int
	none := func(embeddings []float32, labels []int, epoch int) ([]float64, error) {
		sizes, epochs = append(sizes, len(labels)), append(epochs, epoch)
		for i, e := range embeddings {
			require.Equal(t, float32(labels[i]), e, "its own label")
		}
		return make([]float64, len(labels)), nil
	}
	s := newTuplesToWeights(t, labels, none, Config{Batch: 10, Pool: 12}, 2)
	all := observed(t, s, 30, func(p int) float32 { return float32(labels[p]) })
	require.Equal(t, []int{12, 12, 12, 12, 12, 12, 12, 12, 12}, sizes)
	require.Equal(t, []int{1, 2, 3, 4, 5, 6, 7, 8, 9}, epochs)
	for e := 1; e < 10; e++ {
		of := map[int]bool{}
		for _, batch := range all[3*e : 3*e+3] {
			for _, p := range batch[:7] {
				of[p] = true
			}
		}
		require.LessOrEqual(t, len(of), 12)
		require.Greater(t, len(of), 4)
	}
}

// Batches do not depend on how far ahead they are drawn, and a state goes on as the unbroken sampler.
func TestTuplesToWeightsGoOn(t *testing.T) {
	labels := labelsOf(5, 5, 6, 7, 8, 9)
	c := Config{Batch: 7, Pool: 20, Seed: 3}
	const delay, batches = 4, 40
	at := func(p int) []float32 { return []float32{float32(p % 5), float32(p)} }
	observe := func(s *TuplesToWeights, batch []int) {
		var embeddings []float32
		for _, p := range batch {
			embeddings = append(embeddings, at(p)...)
		}
		require.NoError(t, s.Observe(embeddings))
	}
	next := func(s *TuplesToWeights) []int {
		batch := make([]int, s.Batch())
		require.NoError(t, s.Next(batch))
		return batch
	}
	var want [][]int
	unbroken := newTuplesToWeights(t, labels, byPlace, c, delay)
	for range batches {
		want = append(want, next(unbroken))
		observe(unbroken, want[len(want)-1])
	}
	for seed := range uint64(25) {
		rng := rand.New(rand.NewPCG(seed, 9))
		s := newTuplesToWeights(t, labels, byPlace, c, delay)
		drawn, stop := 0, rng.IntN(30)
		for done := range stop {
			for drawn-done <= rng.IntN(delay) {
				require.Equal(t, want[drawn], next(s))
				drawn++
			}
			observe(s, want[done])
		}
		state, err := s.StateAt(stop)
		require.NoError(t, err)
		again := newTuplesToWeights(t, labels, byPlace, Config{Batch: 7, Pool: 20, Seed: 77}, 1)
		require.NoError(t, again.Restore(state))
		for i := stop; i < batches; i++ {
			require.Equal(t, want[i], next(again), "seed %d, batch %d after %d", seed, i, stop)
			observe(again, want[i])
		}
	}
}

func TestTuplesToWeightsRefuse(t *testing.T) {
	labels := labelsOf(1, 4, 4)
	for want, c := range map[string]Config{
		"Batch is 9 of 8 pictures":                         {Batch: 9},
		"Pool is 1, want at least 2 pictures":              {Pool: 1},
		"P, K, Repeat and Power mean nothing to Name tupl": {K: 2},
	} {
		_, err := NewTuplesToWeights(labels, byPlace, c)
		assert.ErrorContains(t, err, want)
	}
	_, err := NewTuplesToWeights(labels, nil, Config{})
	assert.ErrorContains(t, err, "nothing mines tuples")
	_, err = New(labels, Config{Name: tuplesToWeightsName})
	assert.ErrorContains(t, err, "Name tuples-to-weights needs a miner")
	_, err = Of(Pictures{Labels: labels, Counter: func(string) (Counter, error) { return nil, errors.New("no such miner") }}, Config{Name: tuplesToWeightsName, Miner: "x"})
	assert.EqualError(t, err, "samplers: Miner: no such miner")
	for want, count := range map[string]Counter{
		"the tuples of epoch 1: bad":                func([]float32, []int, int) ([]float64, error) { return nil, errors.New("bad") },
		"0 counts of tuples of 8 pictures":          func([]float32, []int, int) ([]float64, error) { return nil, nil },
		"a picture is in NaN tuples, want a number": func([]float32, []int, int) ([]float64, error) { return []float64{math.NaN(), 7: 1}, nil },
	} {
		s := newTuplesToWeights(t, labels, count, Config{Batch: 8}, 1)
		observed(t, s, 1, func(int) float32 { return 1 })
		assert.ErrorContains(t, s.Next(make([]int, 8)), want)
	}
}
