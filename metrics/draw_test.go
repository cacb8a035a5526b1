package metrics

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// crowd is classes of points about centres, whose neighbours are often of another class.
func crowd(seed uint64, classes, each, dim int) Set {
	rng := rand.New(rand.NewPCG(seed, 9))
	s := Set{Dim: dim}
	for c := range classes {
		centre := make([]float64, dim)
		for j := range centre {
			centre[j] = rng.NormFloat64()
		}
		for range each {
			for _, m := range centre {
				s.Embeddings = append(s.Embeddings, float32(m+0.6*rng.NormFloat64()))
			}
			s.Labels = append(s.Labels, c)
		}
	}
	return s
}

// Each drawn query has the figures that it has among all, and the means are over the drawn.
func TestDrawnQueriesAreRankedAsAllAre(t *testing.T) {
	lone := crowd(1, 20, 12, 4)
	lone.Embeddings = append(lone.Embeddings, 9, 9, 9, 9)
	lone.Labels = append(lone.Labels, 77)
	cameras := crowd(2, 20, 12, 4)
	for i := range cameras.Labels {
		cameras.Cameras = append(cameras.Cameras, i%3)
	}
	apart := crowd(3, 20, 12, 4)
	even := make([]int, 0, apart.Len()/2)
	own := make([]int, 0, apart.Len()/2)
	for i := 0; i < apart.Len(); i += 2 {
		even, own = append(even, i), append(own, i)
	}
	for _, c := range []struct {
		name    string
		query   Set
		gallery *Set
		o       Options
	}{
		{"among themselves", crowd(4, 20, 12, 4), nil, Options{}},
		{"with one that has no match", lone, nil, Options{}},
		{"with cameras", cameras, nil, Options{}},
		{"some rows of a gallery", apart.subset(even), &apart, Options{OwnRows: own}},
		{"the first rows of a gallery", apart, &apart, Options{GalleryHoldsQueries: true}},
		{"another gallery, largest R", crowd(5, 20, 9, 4), &apart, Options{K: KLargestR}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.PerQuery, c.o.NoClustering, c.o.Seed = true, true, 3
			all, err := Evaluate(context.Background(), c.query, c.gallery, c.o)
			require.NoError(t, err)
			assert.Zero(t, all.AllQueries)
			c.o.MaxQueries = 50
			drawn, err := Evaluate(context.Background(), c.query, c.gallery, c.o)
			require.NoError(t, err)
			assert.Equal(t, 50, drawn.Queries)
			assert.Equal(t, all.Queries, drawn.AllQueries)
			assert.Equal(t, all.LeftOut, drawn.LeftOut)
			byRow := map[int]Query{}
			for _, q := range all.PerQuery {
				byRow[q.Row] = q
			}
			mean := 0.
			for k, q := range drawn.PerQuery {
				assert.Equal(t, byRow[q.Row], q)
				mean += q.MAPAtR / 50
				if k > 0 {
					assert.Greater(t, q.Row, drawn.PerQuery[k-1].Row)
				}
			}
			assert.InDelta(t, mean, drawn.MAPAtR, 1e-12)

			c.o.MaxQueries = c.query.Len()
			whole, err := Evaluate(context.Background(), c.query, c.gallery, c.o)
			require.NoError(t, err)
			assert.Equal(t, all, whole)
		})
	}
}

// Over many draws the mean is that of all, and the spread what the doc of MaxQueries says.
func TestDrawnQueriesEstimateAll(t *testing.T) {
	s := crowd(6, 30, 20, 4)
	all, err := Evaluate(context.Background(), s, nil, Options{NoClustering: true})
	require.NoError(t, err)
	const draws, queries = 200, 60
	sum, squares := 0., 0.
	for seed := range uint64(draws) {
		r, err := Evaluate(context.Background(), s, nil, Options{NoClustering: true, MaxQueries: queries, Seed: seed})
		require.NoError(t, err)
		d := r.PrecisionAt1 - all.PrecisionAt1
		sum, squares = sum+d, squares+d*d
	}
	p := all.PrecisionAt1
	require.InDelta(t, 0.5, p, 0.35, "else the test says little")
	bound := math.Sqrt(p * (1 - p) / queries)
	assert.Less(t, math.Abs(sum/draws), 4*bound/math.Sqrt(draws))
	assert.Less(t, math.Sqrt(squares/draws), 1.2*bound)
	assert.Greater(t, math.Sqrt(squares/draws), 0.5*bound)
}

func TestDrawIsUniform(t *testing.T) {
	const n, k, times = 10, 4, 20_000
	var seen [n]int
	rng := rand.New(rand.NewPCG(8, 8))
	for range times {
		last := -1
		for _, i := range draw(n, k, rng) {
			require.Greater(t, i, last)
			last = i
			seen[i]++
		}
	}
	for i, count := range seen { // 0.4 ± 4 standard deviations
		assert.InDelta(t, 0.4, float64(count)/times, 4*math.Sqrt(0.4*0.6/times), i)
	}
	assert.Equal(t, []int{0, 1, 2}, draw(3, 3, rng))
}

// What is clustered of a large set is whole classes, and the figures are those of these classes.
func TestDrawnClassesAreClusteredWhole(t *testing.T) {
	s := crowd(7, 30, 10, 4)
	o := Options{Seed: 5, MaxClustered: 80 * 8}
	r, err := Evaluate(context.Background(), s, nil, o)
	require.NoError(t, err)
	assert.Equal(t, []int{8, 30, 80}, []int{r.Clusters, r.AllClasses, r.ClusteredRows}, "of ten rows each")
	part, clusters, all := s.clusterable(o)
	assert.Equal(t, []int{8, 30}, []int{clusters, all})
	members := map[int]int{}
	for _, l := range part.Labels {
		members[l]++
	}
	for l, n := range members {
		assert.Equal(t, 10, n, l)
	}
	alone, err := Evaluate(context.Background(), part, nil, Options{Seed: 5})
	require.NoError(t, err)
	assert.Equal(t, []float64{alone.NMI, alone.AMI, alone.ARI, alone.PairwiseF1}, []float64{r.NMI, r.AMI, r.ARI, r.PairwiseF1})

	o.MaxClustered = 1
	r, err = Evaluate(context.Background(), s, nil, o)
	require.NoError(t, err)
	assert.Equal(t, 2, r.Clusters, "one class tells nothing")
	o.MaxClustered = 300 * 30
	r, err = Evaluate(context.Background(), s, nil, o)
	require.NoError(t, err)
	assert.Zero(t, r.AllClasses)

	for _, o := range []Options{{MaxQueries: -1}, {MaxClustered: -1}} {
		_, err = Evaluate(context.Background(), s, nil, o)
		assert.ErrorContains(t, err, "or 0 for no bound")
	}
}

func TestResultOfDrawnQueriesKeepsItsCounts(t *testing.T) {
	r, err := Evaluate(context.Background(), crowd(8, 10, 10, 4), nil, Options{MaxQueries: 20, MaxClustered: 200})
	require.NoError(t, err)
	text, err := json.Marshal(r)
	require.NoError(t, err)
	var back Result
	require.NoError(t, json.Unmarshal(text, &back))
	assert.Equal(t, r, back)
	assert.Contains(t, string(text), `"queries_in_all":100`)
}
