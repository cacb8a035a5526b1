package metrics

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/cpu/loops"
	"medusa/internal/nearest"
)

// The plain loops that define the package: every distance in float64, everything
// sorted.

func bruteKey(d Distance, a, b []float32) float64 {
	switch d {
	case Euclidean:
		return nearest.SquaredDistance(a, b)
	case Cosine:
		if n := math.Sqrt(nearest.Dot(a, a)) * math.Sqrt(nearest.Dot(b, b)); n > 0 {
			return -nearest.Dot(a, b) / n
		}
		return 0
	}
	return -nearest.Dot(a, b)
}

func bruteRanking(query, gallery Set, i int, own bool, d Distance) []nearest.Ranked {
	var all []nearest.Ranked
	for j := range gallery.Len() {
		if !own || j != i {
			all = append(all, nearest.Ranked{Key: bruteKey(d, query.Row(i), gallery.Row(j)), Row: int32(j)})
		}
	}
	slices.SortStableFunc(all, func(a, b nearest.Ranked) int {
		switch {
		case a.Key < b.Key:
			return -1
		case a.Key > b.Key:
			return 1
		}
		return 0
	})
	return all
}

// bruteRetrieval is one query's figures by their definitions; nil without relevant rows.
// Rows of one key share their places: each holds a relevant row with the chance r/n, and
// the chances of what precedes it are counted out place by place.
func bruteRetrieval(ranking []nearest.Ranked, label int, labels []int, at []int) *Retrieval {
	r := &Retrieval{Recall: make([]float64, len(at))}
	relevant := 0
	for _, g := range ranking {
		if labels[g.Row] == label {
			relevant++
		}
	}
	if relevant == 0 {
		return nil
	}
	// chance[f] is the chance that f rows of the places so far were relevant.
	chance := make([]float64, relevant+1)
	chance[0] = 1
	before, n, m := 0, 0, 0 // places before this key; rows and relevant rows of it
	for place, g := range ranking {
		if place == 0 || ranking[place-1].Key != g.Key {
			before += m
			n, m = 0, 0
			for _, other := range ranking[place:] {
				if other.Key != g.Key {
					break
				}
				n++
				m += count(labels[other.Row] == label)
			}
		}
		left := 0 // rows of this key from this place on
		for _, other := range ranking[place:] {
			left += count(other.Key == g.Key)
		}
		next := make([]float64, relevant+1)
		for f, c := range chance {
			if c == 0 {
				continue
			}
			hit := c * (float64(m-(f-before)) / float64(left))
			next[f] += c - hit
			if hit <= 0 {
				continue
			}
			next[f+1] += hit
			precision := float64(f+1) / float64(place+1)
			r.MAP += hit * precision / float64(relevant)
			if place < relevant {
				r.MAPAtR += hit * precision / float64(relevant)
				r.RPrecision += hit / float64(relevant)
			}
			if f == 0 {
				r.MRR += hit / float64(place+1)
				if place == 0 {
					r.PrecisionAt1 += hit
				}
				for i, k := range at {
					if place < k {
						r.Recall[i] += hit
					}
				}
			}
		}
		chance = next
	}
	return r
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// randomSet has rows of one of several natures: normal, on a coarse grid (ties and
// equal rows abound, sums are exact), far from the origin (cancellation), of wildly
// different lengths, or partly zero.
func randomSet(rng *rand.Rand, n, dim, classes int) Set {
	s := Set{Dim: dim, Embeddings: make([]float32, n*dim), Labels: make([]int, n)}
	nature := rng.IntN(6)
	for i := range n {
		s.Labels[i] = rng.IntN(classes) - 2
		scale := math.Pow(10, float64(rng.IntN(9)-4))
		for j := range dim {
			v := rng.NormFloat64()
			switch nature {
			case 1:
				v = math.Round(v)
			case 2:
				v = 1000 + math.Round(8*v)/1024
			case 3:
				v *= scale
			case 4:
				v = math.Round(v/2) * 1e-30
			case 5:
				v = math.Round(v*2) * 0x1p90 // products overflow a float32
			}
			s.Embeddings[i*dim+j] = float32(v)
		}
		if rng.IntN(5) == 0 && i > 0 { // a copy of an earlier row
			copy(s.Row(i), s.Row(rng.IntN(i)))
		}
		if rng.IntN(20) == 0 {
			clear(s.Row(i))
		}
	}
	return s
}

// randomMatch is a query and gallery in one of the three modes, and the gallery as
// Evaluate takes it.
func randomMatch(seed uint64) (query, gallery Set, argument *Set, own bool, d Distance) {
	rng := rand.New(rand.NewPCG(seed, 0))
	dim, classes := 1+rng.IntN(20), 1+rng.IntN(12)
	// Sizes on both sides of the tiles' borders.
	sizes := []int{2, 3, 17, 60, 255, 257, 300}
	if seed%16 == 0 { // rows whose products are summed in pieces
		dim, sizes = nearest.Piece+rng.IntN(2*nearest.Piece), sizes[:4]
	}
	gallery = randomSet(rng, sizes[rng.IntN(len(sizes))], dim, classes)
	d = Distance(rng.IntN(3))
	switch rng.IntN(3) {
	case 0:
		return gallery, gallery, nil, true, d
	case 1:
		n := 1 + rng.IntN(gallery.Len())
		return gallery.rows(0, n), gallery, &gallery, true, d
	}
	query = randomSet(rng, sizes[rng.IntN(len(sizes))], dim, classes)
	return query, gallery, &gallery, false, d
}

func TestSearchIsTheSortedPlainLoop(t *testing.T) {
	for seed := range uint64(120) {
		query, gallery, argument, own, d := randomMatch(seed)
		k := 1 + int(seed*7%40)
		got, err := Search(context.Background(), query, argument, SearchOptions{K: k, Distance: d, GalleryHoldsQueries: own})
		require.NoError(t, err, "seed %d", seed)
		for i := range query.Len() {
			want := bruteRanking(query, gallery, i, own, d)
			indices, distances := got.Of(i)
			require.Len(t, indices, min(k, len(want)), "seed %d", seed)
			for place, j := range indices {
				require.Equal(t, want[place].Row, j, "seed %d: %v query %d place %d", seed, d, i, place)
				require.Equal(t, d.fromKey(want[place].Key), distances[place], "seed %d", seed)
			}
		}
	}
}

func TestEvaluateIsThePlainLoop(t *testing.T) {
	at := []int{1, 2, 3, 10}
	for seed := range series(t, 40, 120) {
		query, gallery, argument, own, d := randomMatch(seed + 1000)
		want, queries := Retrieval{Recall: make([]float64, len(at))}, 0
		first := map[int]Retrieval{}
		for i := range query.Len() {
			if r := bruteRetrieval(bruteRanking(query, gallery, i, own, d), query.Labels[i], gallery.Labels, at); r != nil {
				want.add(*r)
				first[i] = *r
				queries++
			}
		}
		o := Options{Distance: d, RecallAt: at, GalleryHoldsQueries: own, NoClustering: true, PerQuery: true}
		got, err := Evaluate(context.Background(), query, argument, o)
		if queries == 0 {
			require.ErrorContains(t, err, "retrieval needs at least two pictures of a class")
			continue
		}
		require.NoError(t, err, "seed %d", seed)
		want.divide(queries)
		require.Equal(t, queries, got.Queries, "seed %d", seed)
		require.Equal(t, query.Len()-queries, got.LeftOut, "seed %d", seed)
		requireClose(t, want, got.Retrieval, seed)
		require.Len(t, got.PerQuery, queries)
		for _, q := range got.PerQuery {
			requireClose(t, first[q.Row], q.Retrieval, seed)
		}
		recalls, err := Recall(context.Background(), query, argument, at, SearchOptions{Distance: d, GalleryHoldsQueries: own})
		require.NoError(t, err, "seed %d", seed)
		require.Equal(t, Recalls{At: at, Recall: got.Recall, Queries: got.Queries, LeftOut: got.LeftOut, Tied: recalls.Tied}, recalls, "seed %d", seed)
	}
}

// requireClose allows for the order of float64 sums only.
func requireClose(t *testing.T, want, got Retrieval, seed uint64) {
	t.Helper()
	require.InDeltaSlice(t, want.Recall, got.Recall, 1e-13, "seed %d", seed)
	for _, pair := range [][2]float64{
		{want.PrecisionAt1, got.PrecisionAt1}, {want.RPrecision, got.RPrecision}, {want.MAPAtR, got.MAPAtR},
		{want.MAP, got.MAP}, {want.MRR, got.MRR},
	} {
		require.InDelta(t, pair[0], pair[1], 1e-13, "seed %d: want %+v, got %+v", seed, want, got)
	}
}

// The bound is the ground that exactness stands on: no tile value may leave the window
// of its exact key. It must also be tight enough to be of use: a hundred times the
// largest error seen would make every comparison exact and slow.
func TestWindowHoldsEveryTileValue(t *testing.T) {
	for seed := range uint64(100) {
		query, _, argument, own, d := randomMatch(seed + 5000)
		m, err := match(query, argument, own, nil)
		require.NoError(t, err)
		s := newScanner(m, d, rankBlock)
		nothing := func(int, int) {}
		err = s.run(context.Background(), nothing, nothing, func(i, first int, values, bias []float32) {
			for j, v := range values {
				v += bias[j]
				lo, hi := s.window(i, s.key(i, first+j))
				if v == v && (v < lo || v > hi) { // NaN goes to the exact comparison
					t.Errorf("seed %d: %v: query %d row %d: %g is outside [%g, %g]", seed, d, i, first+j, v, lo, hi)
				}
			}
		})
		require.NoError(t, err)
	}
	bound := Euclidean.keyError(64, 1, 1)
	assert.Less(t, bound, 2e-5, "unit rows of 64 numbers")
	assert.Greater(t, bound, 64*0x1p-24)
	assert.Less(t, Euclidean.keyError(2048, 1, 1), 5e-5, "unit rows of 2048 numbers, summed in pieces")
}

// Neither the number of threads nor that of a run changes a bit.
func TestThreadsChangeNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 0))
	s := randomSet(rng, 700, 16, 30)
	var results []Result
	var found []Neighbours
	for _, threads := range []int{1, 2, 3, 8} {
		loops.SetThreads(threads)
		r, err := Evaluate(context.Background(), s, nil, Options{PerClass: true, PerQuery: true, Restarts: 2})
		require.NoError(t, err)
		n, err := Search(context.Background(), s, nil, SearchOptions{K: 7})
		require.NoError(t, err)
		results, found = append(results, r), append(found, n)
	}
	loops.SetThreads(0)
	for i := range results {
		require.Equal(t, results[0], results[i])
		require.Equal(t, found[0], found[i])
	}
}

// Renaming the labels changes nothing; permuting the rows changes nothing where no two
// distances are equal.
func TestPermutationsChangeNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 0))
	s := Set{Dim: 6, Embeddings: make([]float32, 6*200), Labels: make([]int, 200)}
	for i := range s.Embeddings {
		s.Embeddings[i] = float32(rng.NormFloat64())
	}
	for i := range s.Labels {
		s.Labels[i] = rng.IntN(9)
	}
	o := Options{ClusterLabels: make([]int, 200)}
	for i := range o.ClusterLabels {
		o.ClusterLabels[i] = rng.IntN(5)
	}
	want, err := Evaluate(context.Background(), s, nil, o)
	require.NoError(t, err)

	p := Set{Dim: 6, Embeddings: make([]float32, 6*200), Labels: make([]int, 200)}
	po := Options{ClusterLabels: make([]int, 200)}
	for i, j := range rng.Perm(200) {
		copy(p.Row(i), s.Row(j))
		p.Labels[i] = 1000 - 3*s.Labels[j]
		po.ClusterLabels[i] = -o.ClusterLabels[j]
	}
	got, err := Evaluate(context.Background(), p, nil, po)
	require.NoError(t, err)
	requireClose(t, want.Retrieval, got.Retrieval, 8)
	for i, v := range want.Values() {
		require.InDelta(t, v.Value, got.Values()[i].Value, 1e-13, v.Name)
	}
}
