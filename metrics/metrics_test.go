package metrics

import (
	"context"
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func line(positions ...float32) Set {
	return Set{Embeddings: positions, Dim: 1, Labels: make([]int, len(positions))}
}

// On a line at 0, 1, 3, 4 with labels a, b, a, b, by hand: query 0 sees b a b: ρ = 2;
// query 1 (distances 1, 2, 3) a a b: ρ = 3; query 2 (4, 1, 0) b b a: ρ = 3; query 3
// (3, 1, 0) a b a: ρ = 2.
func TestByHand(t *testing.T) {
	s := Set{Embeddings: []float32{0, 1, 3, 4}, Dim: 1, Labels: []int{7, 8, 7, 8}}
	r, err := Evaluate(context.Background(), s, nil, Options{RecallAt: []int{1, 2, 3}, PerQuery: true, ClusterLabels: []int{0, 0, 1, 1}})
	require.NoError(t, err)
	assert.Equal(t, []float64{0, .5, 1}, r.Recall)
	assert.Equal(t, []int{2, 3, 3, 2}, []int{r.PerQuery[0].First, r.PerQuery[1].First, r.PerQuery[2].First, r.PerQuery[3].First})
	assert.InDelta(t, (.5+1./3)/2, r.MRR, 1e-15)
	assert.InDelta(t, (.5+1./3)/2, r.MAP, 1e-15)
	assert.Zero(t, r.MAPAtR)
	assert.Zero(t, r.RPrecision)
	assert.InDelta(t, 0, r.NMI, 1e-15, "the clusters say nothing about the labels")
	assert.InDelta(t, -.5, r.ARI, 1e-15)
	assert.Zero(t, r.PairwiseF1)
	at, ok := r.RecallOf(2)
	assert.True(t, ok)
	assert.Equal(t, .5, at)
	_, ok = r.RecallOf(4)
	assert.False(t, ok)
}

func TestTiesGoToTheLowerRow(t *testing.T) {
	s := line(5, 1, 1, 1, 9, 1)
	n, err := Search(context.Background(), s, nil, SearchOptions{K: 4})
	require.NoError(t, err)
	indices, distances := n.Of(2)
	assert.Equal(t, []int32{1, 3, 5, 0}, indices)
	assert.Equal(t, []float64{0, 0, 0, 4}, distances)
	indices, _ = n.Of(0)
	assert.Equal(t, []int32{1, 2, 3, 4}, indices, "1 and 9 are both 4 from 5")
}

func TestOneClass(t *testing.T) {
	r, err := Evaluate(context.Background(), line(1, 5, 2, 8), nil, Options{})
	require.NoError(t, err)
	for _, v := range r.Values() {
		assert.Equal(t, 1., v.Value, v.Name)
	}
}

func TestQueriesWithoutMatchAreLeftOut(t *testing.T) {
	s := Set{Embeddings: []float32{0, 1, 2, 50}, Dim: 1, Labels: []int{1, 1, 1, 2}}
	r, err := Evaluate(context.Background(), s, nil, Options{NoClustering: true})
	require.NoError(t, err)
	assert.Equal(t, 3, r.Queries)
	assert.Equal(t, 1, r.LeftOut)
	assert.Equal(t, 1., r.PrecisionAt1)

	s.Labels = []int{1, 2, 3, 4}
	_, err = Evaluate(context.Background(), s, nil, Options{})
	assert.EqualError(t, err, "metrics: none of the 4 queries has another picture of its class in the gallery; "+
		"retrieval needs at least two pictures of a class")
	_, err = Recall(context.Background(), s, nil, []int{1}, SearchOptions{})
	assert.ErrorContains(t, err, "none of the 4 queries")
}

func TestKAboveTheGalleryIsCut(t *testing.T) {
	n, err := Search(context.Background(), line(1, 5, 2), nil, SearchOptions{K: 100})
	require.NoError(t, err)
	assert.Equal(t, 2, n.K)
	assert.Equal(t, 3, n.Len())
	r, err := Evaluate(context.Background(), line(1, 5, 2), nil, Options{RecallAt: []int{100}, K: 100, NoClustering: true})
	require.NoError(t, err)
	assert.Equal(t, []float64{1}, r.Recall)
}

// A row of zeros has no direction: cosine 0, farther than every acute row and nearer
// than every obtuse one.
func TestZeroRowUnderCosine(t *testing.T) {
	s := Set{Embeddings: []float32{1, 0, 0, 0, -2, 0, 3, 3, 0, 0}, Dim: 2}
	n, err := Search(context.Background(), s, nil, SearchOptions{K: 4, Distance: Cosine})
	require.NoError(t, err)
	indices, distances := n.Of(0)
	assert.Equal(t, []int32{3, 1, 4, 2}, indices)
	assert.InDeltaSlice(t, []float64{1 - math.Sqrt(.5), 1, 1, 2}, distances, 1e-15)
	_, distances = n.Of(1)
	assert.Equal(t, []float64{1, 1, 1, 1}, distances)
}

// The products with row 1 overflow a float32 on the way to 0.125·2¹²⁷, so that it would
// pass for infinitely far; it is the nearer one, since row 0 is at 0.
func TestOverflowOnTheWayUnderDot(t *testing.T) {
	const big = 0x1p127
	query := Set{Embeddings: []float32{1, 1, 1, 1}, Dim: 4}
	gallery := Set{Embeddings: []float32{0, 0, 0, 0, -1.5 * big, -1.5 * big, 1.5 * big, 1.625 * big}, Dim: 4}
	n, err := Search(context.Background(), query, &gallery, SearchOptions{K: 1, Distance: Dot})
	require.NoError(t, err)
	assert.Equal(t, []int32{1}, n.Indices)
}

func TestBadInput(t *testing.T) {
	good := Set{Embeddings: []float32{1, 2, 3, 4}, Dim: 2, Labels: []int{1, 1}}
	bad := func(change func(s *Set, o *Options)) error {
		s, o := Set{Embeddings: []float32{1, 2, 3, 4}, Dim: 2, Labels: []int{1, 1}}, Options{}
		change(&s, &o)
		_, err := Evaluate(context.Background(), s, nil, o)
		return err
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for want, change := range map[string]func(s *Set, o *Options){
		"metrics: query: row 1 holds NaN; did the training diverge?":                     func(s *Set, _ *Options) { s.Embeddings[2] = nan },
		"metrics: query: row 0 holds +Inf; did the training diverge?":                    func(s *Set, _ *Options) { s.Embeddings[1] = inf },
		"metrics: query: the embedding size Dim is 0":                                    func(s *Set, _ *Options) { s.Dim = 0 },
		"metrics: query: 4 numbers are no whole rows of 3":                               func(s *Set, _ *Options) { s.Dim = 3 },
		"metrics: query: no embeddings":                                                  func(s *Set, _ *Options) { s.Embeddings = nil },
		"metrics: query: 1 labels for 2 rows":                                            func(s *Set, _ *Options) { s.Labels = []int{1} },
		"metrics: the gallery holds nothing but the query itself":                        func(s *Set, _ *Options) { s.Dim, s.Labels = 4, []int{1} },
		"metrics: no distance 9; there are Euclidean, Cosine and Dot":                    func(_ *Set, o *Options) { o.Distance = 9 },
		"metrics: recall at 0; K starts at 1":                                            func(_ *Set, o *Options) { o.RecallAt = []int{0} },
		"metrics: K is -2; give a number of neighbours, 0 for all or KLargestR":          func(_ *Set, o *Options) { o.K = -2 },
		"metrics: NoClustering together with Clusters or ClusterLabels; set one of them": func(_ *Set, o *Options) { o.NoClustering, o.Clusters = true, 2 },
		"metrics: ClusterLabels together with Clusters; set one of them":                 func(_ *Set, o *Options) { o.ClusterLabels, o.Clusters = []int{1, 1}, 2 },
		"metrics: 1 cluster labels for 2 queries":                                        func(_ *Set, o *Options) { o.ClusterLabels = []int{1} },
		"metrics: k-means: 3 clusters of 2 rows; take 1 to 2":                            func(_ *Set, o *Options) { o.Clusters = 3 },
		"metrics: k-means: -1 restarts, 0 iterations; neither can be negative":           func(_ *Set, o *Options) { o.Restarts = -1 },
	} {
		assert.EqualError(t, bad(change), want)
	}
	_, err := Evaluate(context.Background(), good, &Set{Embeddings: []float32{1, nan}, Dim: 2, Labels: []int{1}}, Options{})
	assert.EqualError(t, err, "metrics: gallery: row 0 holds NaN; did the training diverge?")
	_, err = Evaluate(context.Background(), good, &Set{Embeddings: []float32{1}, Dim: 1, Labels: []int{1}}, Options{})
	assert.EqualError(t, err, "metrics: the query's rows have 2 numbers, the gallery's 1")
	_, err = Evaluate(context.Background(), good, &Set{Embeddings: []float32{1, 2}, Dim: 2, Labels: []int{1}}, Options{GalleryHoldsQueries: true})
	assert.EqualError(t, err, "metrics: GalleryHoldsQueries: 2 queries cannot be the first rows of a gallery of 1")
	_, err = Search(context.Background(), good, nil, SearchOptions{K: -1})
	assert.EqualError(t, err, "metrics: a search for -1 neighbours")
	_, err = Search(context.Background(), good, nil, SearchOptions{Distance: 9})
	assert.Error(t, err)
	_, err = Recall(context.Background(), good, nil, []int{2, 0}, SearchOptions{})
	assert.EqualError(t, err, "metrics: recall at [2 0]; name at least one K, each from 1 on")
	_, err = Recall(context.Background(), good, nil, []int{2}, SearchOptions{K: 3})
	assert.EqualError(t, err, "metrics: recall at [2] searches for as many neighbours; leave K = 3 out")
}

func TestCancelledContextStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Evaluate(ctx, line(1, 2, 3), nil, Options{})
	assert.ErrorIs(t, err, context.Canceled)
	_, err = Search(ctx, line(1, 2, 3), nil, SearchOptions{})
	assert.ErrorIs(t, err, context.Canceled)
	_, err = KMeans(ctx, line(1, 2, 3), KMeansOptions{Clusters: 2})
	assert.ErrorIs(t, err, context.Canceled)
}

func TestDistanceNames(t *testing.T) {
	for _, d := range []Distance{Euclidean, Cosine, Dot} {
		text, err := json.Marshal(d)
		require.NoError(t, err)
		var again Distance
		require.NoError(t, json.Unmarshal(text, &again))
		assert.Equal(t, d, again)
	}
	var d Distance
	assert.EqualError(t, d.UnmarshalText([]byte("manhattan")), `metrics: no distance "manhattan"; there are euclidean, cosine and dot`)
	_, err := Distance(7).MarshalText()
	assert.Error(t, err)
	assert.Equal(t, "unknown", Distance(-1).String())
}

func TestResultAsJSON(t *testing.T) {
	s := Set{Embeddings: []float32{0, 1, 3, 4, 9}, Dim: 1, Labels: []int{7, 7, 8, 8, 9}}
	for _, o := range []Options{{RecallAt: []int{1, 2}, Seed: 5}, {NoClustering: true}} {
		want, err := Evaluate(context.Background(), s, nil, o)
		require.NoError(t, err)
		text, err := json.Marshal(want)
		require.NoError(t, err)
		var got Result
		require.NoError(t, json.Unmarshal(text, &got))
		if o.NoClustering {
			want.Seed = 0 // of no meaning, and not written
			assert.NotContains(t, string(text), "nmi")
		}
		assert.Equal(t, want, got, string(text))
	}
	for _, text := range []string{`[]`, `{"queries":"x"}`, `{"recall_at_x":1}`, `{"map":"high"}`} {
		assert.Error(t, new(Result).UnmarshalJSON([]byte(text)), text)
	}
}

func FuzzResultFromJSON(f *testing.F) {
	f.Add([]byte(`{"recall_at_1":0.5,"nmi":0.1,"queries":4,"queries_left_out":0,"clusters":2,"cluster_seed":0}`))
	f.Add([]byte(`null`))
	f.Add([]byte(`{"recall_at_":1,"map":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var r Result
		if json.Unmarshal(data, &r) != nil {
			return
		}
		require.Len(t, r.Recall, len(r.RecallAt))
		_, err := json.Marshal(r)
		require.NoError(t, err)
	})
}

func TestMostConfused(t *testing.T) {
	n := Neighbours{K: 2, Indices: []int32{2, 3, 2, 0, 0, 4, 4, 2, 3, 2}, Distances: make([]float64, 10)}
	labels := []int{1, 1, 2, 2, 3}
	got, err := MostConfused(n, labels, labels, 3)
	require.NoError(t, err)
	// Queries of 1: 2 2 2 1; of 2: 1 3 3 2; of 3: 2 2.
	assert.Equal(t, []ClassPair{{1, 2, 3, .75}, {2, 3, 2, .5}, {3, 2, 2, 1}}, got)
	all, err := MostConfused(n, labels, labels, 99)
	require.NoError(t, err)
	assert.Len(t, all, 4)
	_, err = MostConfused(n, labels[:2], labels, 3)
	assert.EqualError(t, err, "metrics: 2 labels for the neighbours of 5 queries")
	_, err = MostConfused(n, labels, labels[:3], 3)
	assert.EqualError(t, err, "metrics: neighbour 3 of query 0 has no label; there are 3")
	_, err = MostConfused(n, labels, labels, -1)
	assert.Error(t, err)
}
