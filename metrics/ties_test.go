package metrics

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sortedByClass is classes×each rows in the order of their classes.
func sortedByClass(classes, each, dim int, value func(row, d int) float32) Set {
	s := Set{Dim: dim, Embeddings: make([]float32, classes*each*dim), Labels: make([]int, classes*each)}
	for i := range s.Labels {
		s.Labels[i] = i / each
		for d := range dim {
			s.Embeddings[i*dim+d] = value(i, d)
		}
	}
	return s
}

// A network that puts every picture on one point knows nothing, so its figures are those
// of a random order: 19 relevant among 199 others. The chance of a hit is 19/199; over
// the first 19 places the expected precision at a relevant row in place i is
// (1 + (i−1)·18/198)/i.
func TestOnePointIsARandomOrder(t *testing.T) {
	s := sortedByClass(10, 20, 3, func(int, int) float32 { return 0.5 })
	r, err := Evaluate(context.Background(), s, nil, Options{RecallAt: []int{1, 2}, NoClustering: true, PerQuery: true})
	require.NoError(t, err)
	mapAtR := 0.0
	for i := 1; i <= 19; i++ {
		mapAtR += 19. / 199 * (1 + float64(i-1)*18/198) / float64(i) / 19
	}
	assert.InDelta(t, 19./199, r.PrecisionAt1, 1e-14)
	assert.InDelta(t, 1-180./199*179/198, r.Recall[1], 1e-14)
	assert.InDelta(t, 19./199, r.RPrecision, 1e-14)
	assert.InDelta(t, mapAtR, r.MAPAtR, 1e-14)
	assert.Less(t, r.MAPAtR, 0.025)
	assert.Equal(t, 200, r.Tied)
	assert.True(t, r.PerQuery[7].Tied)
	assert.Equal(t, 181, r.PerQuery[7].First, "behind all others at its distance")
	recalls, err := Recall(context.Background(), s, nil, []int{1, 2}, SearchOptions{})
	require.NoError(t, err)
	assert.InDeltaSlice(t, r.Recall, recalls.Recall, 1e-14)
	assert.Equal(t, 200, recalls.Tied)
}

// Figures of embeddings on a few points, as integers and binary codes have them, do not
// depend on the order of the rows: neither sorted by class, nor reversed, nor shuffled.
func TestOrderOfRowsChangesNothing(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 4))
		s := sortedByClass(2+rng.IntN(8), 2+rng.IntN(12), 1+rng.IntN(3), func(int, int) float32 { return float32(rng.IntN(3)) })
		d := Distance(rng.IntN(3))
		o := Options{RecallAt: []int{1, 3, 5}, NoClustering: true, Distance: d}
		want, err := Evaluate(context.Background(), s, nil, o)
		require.NoError(t, err)
		orders := [][]int{rng.Perm(s.Len()), rng.Perm(s.Len()), make([]int, s.Len())}
		for i := range orders[2] {
			orders[2][i] = s.Len() - 1 - i
		}
		for _, order := range orders {
			p := Set{Dim: s.Dim, Embeddings: make([]float32, len(s.Embeddings)), Labels: make([]int, s.Len())}
			for i, j := range order {
				copy(p.Row(i), s.Row(j))
				p.Labels[i] = s.Labels[j]
			}
			got, err := Evaluate(context.Background(), p, nil, o)
			require.NoError(t, err)
			require.Equal(t, want.Tied, got.Tied)
			requireClose(t, want.Retrieval, got.Retrieval, seed)
			recalls, err := Recall(context.Background(), p, nil, o.RecallAt, SearchOptions{Distance: d})
			require.NoError(t, err)
			require.InDeltaSlice(t, want.Recall, recalls.Recall, 1e-13, "seed %d", seed)
		}
	}
}

// The expectations are the means over all orders of the rows at one distance, each
// measured by the plain definitions.
func TestTiesAreTheMeanOverAllOrders(t *testing.T) {
	at := []int{1, 2, 4}
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 5))
		n := 2 + rng.IntN(6)
		keys, relevant := make([]float64, n), make([]bool, n)
		for i := range keys {
			keys[i], relevant[i] = float64(rng.IntN(3)), rng.IntN(2) == 0
		}
		relevant[rng.IntN(n)] = true
		depth := 1 + rng.IntN(n)
		want, orders := Retrieval{Recall: make([]float64, len(at))}, 0
		permutations(n, func(order []int) {
			for i := 1; i < n; i++ {
				if keys[order[i-1]] > keys[order[i]] {
					return
				}
			}
			var ranks []int
			for place, row := range order {
				if relevant[row] {
					ranks = append(ranks, place+1)
				}
			}
			want.add(byDefinition(ranks, depth, at))
			orders++
		})
		want.divide(orders)
		got := measure(tiersOf(keys, relevant), depth, at, make([]float64, len(at)))
		requireClose(t, want, got, seed)
	}
}

func byDefinition(ranks []int, depth int, at []int) Retrieval {
	m := Retrieval{Recall: make([]float64, len(at)), PrecisionAt1: float64(count(ranks[0] == 1))}
	for i, k := range at {
		m.Recall[i] = float64(count(ranks[0] <= k))
	}
	r := min(len(ranks), depth)
	for i, rank := range ranks {
		if rank <= depth {
			m.MAP += float64(i+1) / float64(rank) / float64(len(ranks))
		}
		if rank <= r {
			m.RPrecision += 1 / float64(r)
			m.MAPAtR += float64(i+1) / float64(rank) / float64(len(ranks))
		}
	}
	if ranks[0] <= depth {
		m.MRR = 1 / float64(ranks[0])
	}
	return m
}

func tiersOf(keys []float64, relevant []bool) []tier {
	var tiers []tier
	for key := range 3 {
		t := tier{}
		for i, k := range keys {
			t.before += int32(count(k < float64(key)))
			t.rows += int32(count(k == float64(key)))
			t.relevant += int32(count(k == float64(key) && relevant[i]))
		}
		if t.relevant > 0 {
			tiers = append(tiers, t)
		}
	}
	return tiers
}

// permutations calls use with every order of 0 … n−1.
func permutations(n int, use func(order []int)) {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	var rest func(from int)
	rest = func(from int) {
		if from == n {
			use(order)
			return
		}
		for i := from; i < n; i++ {
			order[from], order[i] = order[i], order[from]
			rest(from + 1)
			order[from], order[i] = order[i], order[from]
		}
	}
	rest(0)
}

// A query, a gallery without other classes, one relevant row: the corners of the ranking.
func TestCornersOfTies(t *testing.T) {
	query := line(0)
	all := line(1, -1, 1)
	r, err := Evaluate(context.Background(), query, &all, Options{NoClustering: true})
	require.NoError(t, err)
	for _, v := range r.Values() {
		assert.Equal(t, 1., v.Value, "%s where every row is relevant", v.Name)
	}
	assert.Zero(t, r.Tied, "relevant rows among themselves have no order to speak of")
	none := Set{Embeddings: []float32{1}, Dim: 1, Labels: []int{5}}
	_, err = Evaluate(context.Background(), query, &none, Options{NoClustering: true})
	assert.ErrorContains(t, err, "none of the 1 queries")
	pair := Set{Embeddings: []float32{1, -1}, Dim: 1, Labels: []int{5, 0}}
	r, err = Evaluate(context.Background(), query, &pair, Options{NoClustering: true, RecallAt: []int{1, 2}})
	require.NoError(t, err)
	assert.Equal(t, []float64{.5, 1}, r.Recall)
	assert.Equal(t, .75, r.MRR)
	assert.Equal(t, .75, r.MAP)
	assert.Equal(t, .5, r.MAPAtR)
	assert.Equal(t, 1, r.Tied)
}

// 100,000 whole numbers in 50 classes: every distance is shared by thousands of rows.
// The figures of such labels, which know nothing of the numbers, are those of chance.
func TestManyIntegers(t *testing.T) {
	const n, classes = 100_000, 50
	rng := rand.New(rand.NewPCG(1, 6))
	gallery := Set{Dim: 1, Embeddings: make([]float32, n), Labels: make([]int, n)}
	for i := range n {
		gallery.Embeddings[i], gallery.Labels[i] = float32(rng.IntN(40)), i*classes/n
	}
	query := gallery.rows(0, 20)
	r, err := Evaluate(context.Background(), query, &gallery, Options{NoClustering: true, GalleryHoldsQueries: true, RecallAt: []int{1}})
	require.NoError(t, err)
	assert.InDelta(t, 1./classes, r.Recall[0], 0.002)
	assert.InDelta(t, 1./classes, r.MAP, 0.002)
	assert.Equal(t, 20, r.Tied)
	recalls, err := Recall(context.Background(), query, &gallery, []int{1}, SearchOptions{GalleryHoldsQueries: true})
	require.NoError(t, err)
	assert.InDelta(t, r.Recall[0], recalls.Recall[0], 1e-12)
}
