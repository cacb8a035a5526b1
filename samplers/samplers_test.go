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

func TestErrorsNameTheWayOut(t *testing.T) {
	labels := labelsOf(1, 5, 2, 3)
	for _, tc := range []struct {
		c    Config
		want string
	}{
		{Config{Name: "pkk"}, `samplers: Name is "pkk" (did you mean "pk"?), want one of fixed-triplets, hierarchical, pk, pk-hard, pk-independent, pk-weighted, tuples-to-weights, uniform, views`},
		{Config{P: 4, K: 2}, "samplers: P is 4, the classes in a batch, but there are 3: lower it to at most 3"},
		{Config{P: 2, K: 4}, "samplers: a batch needs 2 classes (P) of at least 4 pictures (K), but only 1 of 3 classes have as many: " +
			"lower one of them, or let small classes repeat their pictures with Repeat"},
		{Config{P: -1}, "samplers: P is -1 and K 4, want at least 1 of each"},
		{Config{P: 2, K: 2, Batch: 5}, "samplers: Batch is 5, but P of 2 and K of 2 make 4: leave it out, or make them equal"},
		{Config{P: 2, K: 2, Power: 1}, "samplers: Power means nothing to Name pk, which draws every class equally; pk-weighted does not"},
		{Config{Name: "pk-independent", P: 2, K: 2, Power: 1}, "samplers: Power means nothing to Name pk-independent, which draws every class equally; pk-weighted does not"},
		{Config{Name: "pk-weighted", P: 2, K: 2, Power: 200}, "samplers: pk-weighted: with power 200 the class of label -3, with 2 pictures, would never come up; take a power nearer to 0"},
		{Config{Name: "pk-weighted", P: 2, K: 2, Power: 1e9}, "samplers: pk-weighted: a class of 5 pictures to the power 1e+09 has weight +Inf; take a power nearer to 0"},
		{Config{P: 2, K: 2, Pool: 9}, "samplers: Pool means nothing to Name pk, which looks for no hard negatives; pk-hard does"},
		{Config{Name: "pk-hard", P: 2, K: 2, Pool: -1}, "samplers: Pool is -1, want 1 or more pictures, or 0 for 1024"},
		{Config{Name: "pk-hard", P: 2, K: 2, Power: 1}, "samplers: Power means nothing to Name pk-hard, which draws every class equally; pk-weighted does not"},
		{Config{Name: "uniform", Batch: 11}, "samplers: Batch is 11 distinct pictures out of 10, want 1 to 10"},
		{Config{Name: "uniform", P: 2}, "samplers: Name uniform takes Batch and Seed only; P, K, Repeat, Power and Pool belong to the P×K samplers"},
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
