package metrics

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/internal/nearest"
)

// bruteAssign is the plain loop of an assignment step.
func bruteAssign(s Set, centres []float64, k int) []int {
	labels := make([]int, s.Len())
	for i := range labels {
		least := math.Inf(1)
		for j := range k {
			sum := 0.0
			for d, v := range s.Row(i) {
				diff := float64(v) - centres[j*s.Dim+d]
				sum += float64(diff * diff)
			}
			if sum < least {
				least, labels[i] = sum, j
			}
		}
	}
	return labels
}

// Every assignment equals the plain loop's, on rows with ties, cancellation and
// overflow too.
func TestAssignmentIsThePlainLoop(t *testing.T) {
	for seed := range uint64(120) {
		rng := rand.New(rand.NewPCG(seed, 7))
		s := randomSet(rng, 1+rng.IntN(600), 1+rng.IntN(20), 3)
		k := 1 + rng.IntN(min(40, s.Len()))
		l := newLloyd(s, k)
		for i := range l.centres { // rows, midpoints of rows, and neither
			l.centres[i] = float64(s.Embeddings[i])
			if rng.IntN(2) == 0 {
				l.centres[i] = (l.centres[i] + float64(s.Embeddings[len(s.Embeddings)-1-i])) / 2
			}
		}
		l.assign()
		for i, want := range bruteAssign(s, l.centres, k) {
			require.Equal(t, want, int(l.labels[i]), "seed %d row %d", seed, i)
		}
	}
}

// What a candidate seed would leave is the plain sum.
func TestSeedingSumsArePlainSums(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 8))
		s := randomSet(rng, 2+rng.IntN(300), 1+rng.IntN(20), 3)
		if seed%10 == 0 {
			s = randomSet(rng, 2+rng.IntN(50), nearest.Piece+rng.IntN(3*nearest.Piece), 3)
		}
		l := newLloyd(s, 2)
		g := newSeeding(l, 3)
		g.place(0, rng.IntN(s.Len()), nil)
		g.draw(rng)
		best := g.best()
		least := math.Inf(1)
		for c, row := range g.rows {
			want := 0.0
			for i, near := range l.near {
				want += min(near, nearest.SquaredDistance(s.Row(i), s.Row(row)))
			}
			require.Equal(t, want, g.sums[c], "seed %d", seed)
			least = min(least, want)
		}
		require.Equal(t, least, g.sums[best], "seed %d", seed)
		g.place(1, g.rows[best], g.values[best*s.Len():(best+1)*s.Len()])
		left := 0.0
		for _, near := range l.near {
			left += near
		}
		require.Equal(t, least, left, "seed %d", seed)
	}
}

// At a fixed point every centre is the mean of its rows and every row is with its
// nearest centre; the inertia is what it says.
func TestKMeansEndsAtAFixedPoint(t *testing.T) {
	s := clustered(4, 500, 8, 12, 1)
	c, err := KMeans(context.Background(), s, KMeansOptions{Clusters: 12, Seed: 3})
	require.NoError(t, err)
	require.True(t, c.Converged)
	assert.Equal(t, bruteAssign(s, c.Centres, 12), c.Labels)
	inertia, size := 0.0, make([]float64, 12)
	mean := make([]float64, 12*8)
	for i, label := range c.Labels {
		size[label]++
		for d, v := range s.Row(i) {
			mean[label*8+d] += float64(v)
			inertia += (float64(v) - c.Centres[label*8+d]) * (float64(v) - c.Centres[label*8+d])
		}
	}
	for i, sum := range mean {
		assert.InDelta(t, sum/size[i/8], c.Centres[i], 1e-12)
	}
	assert.InDelta(t, inertia, c.Inertia, 1e-9)
}

func TestKMeansFindsClustersFarApart(t *testing.T) {
	s := clustered(4, 600, 16, 20, 0.05)
	for seed := range uint64(5) {
		r, err := Evaluate(context.Background(), s, nil, Options{Seed: seed, Distance: Cosine})
		require.NoError(t, err)
		assert.Equal(t, 20, r.Clusters)
		assert.InDelta(t, 1, r.NMI, 1e-12, "seed %d", seed)
		assert.InDelta(t, 1, r.AMI, 1e-12)
		assert.Equal(t, 1., r.ARI)
		assert.Equal(t, 1., r.PairwiseF1)
	}
}

func TestRestartsKeepTheBest(t *testing.T) {
	s := clustered(5, 300, 4, 10, 1)
	inertia := func(restarts int) float64 {
		c, err := KMeans(context.Background(), s, KMeansOptions{Clusters: 15, Restarts: restarts, Seed: 1})
		require.NoError(t, err)
		return c.Inertia
	}
	assert.Less(t, inertia(10), inertia(1))
}

// Clusters are never empty, even where there are fewer distinct rows than clusters; a
// row for each cluster leaves no inertia.
func TestKMeansLeavesNoClusterEmpty(t *testing.T) {
	for _, s := range []Set{line(4, 4, 4, 4, 4), line(1, 1, 1, 9, 9), line(1, 2, 3, 4, 5)} {
		for k := 1; k <= s.Len(); k++ {
			c, err := KMeans(context.Background(), s, KMeansOptions{Clusters: k})
			require.NoError(t, err)
			assert.True(t, c.Converged, "%v in %d", s.Embeddings, k)
			used := map[int]bool{}
			for _, label := range c.Labels {
				used[label] = true
			}
			assert.Len(t, used, k, "%v in %d", s.Embeddings, k)
		}
	}
	c, err := KMeans(context.Background(), line(1, 2, 3, 4, 5), KMeansOptions{Clusters: 5})
	require.NoError(t, err)
	assert.Zero(t, c.Inertia)
	// Both centres on the left: the second empties and takes the farthest row.
	c, err = KMeans(context.Background(), line(0, 1, 20), KMeansOptions{Clusters: 2, Centres: []float64{0, -5}})
	require.NoError(t, err)
	assert.Equal(t, []int{0, 0, 1}, c.Labels)
	assert.Equal(t, []float64{.5, 20}, c.Centres)
}

func TestKMeansRefusesBadOptions(t *testing.T) {
	s := line(1, 2, 3)
	for want, o := range map[string]KMeansOptions{
		"metrics: k-means: 0 clusters of 3 rows; take 1 to 3":                                   {},
		"metrics: k-means: 1 numbers for 2 centres of 1":                                        {Clusters: 2, Centres: []float64{1}},
		"metrics: k-means: 0 restarts, -1 iterations; neither can be negative":                  {Clusters: 2, MaxIterations: -1},
		"metrics: k-means: restarts from given centres are all the same; leave out one of them": {Clusters: 1, Centres: []float64{1}, Restarts: 2},
		"metrics: k-means: centre 1 holds NaN":                                                  {Clusters: 2, Centres: []float64{1, math.NaN()}},
	} {
		_, err := KMeans(context.Background(), s, o)
		assert.EqualError(t, err, want)
	}
	_, err := KMeans(context.Background(), Set{Dim: 2, Embeddings: []float32{1}}, KMeansOptions{Clusters: 1})
	assert.EqualError(t, err, "metrics: k-means: 1 numbers are no whole rows of 2")
	c, err := KMeans(context.Background(), clustered(5, 300, 4, 10, 1), KMeansOptions{Clusters: 15, MaxIterations: 2})
	require.NoError(t, err)
	assert.Equal(t, 2, c.Iterations)
	assert.False(t, c.Converged)
}
