package metrics

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/nearest"
)

// The distances are torchreid's, which computes them in float32.
func TestReRankingAsTorchreid(t *testing.T) {
	raw, err := os.ReadFile("testdata/rerank.json")
	require.NoError(t, err)
	var file struct {
		Cases []struct {
			Name             string
			Dim              int
			Queries, Gallery []float32
			Labels           []int
			Distance         string
			K1, K2           int
			Lambda           float64
			Distances        []float64
		}
	}
	require.NoError(t, json.Unmarshal(raw, &file))
	require.NotEmpty(t, file.Cases)
	for _, c := range file.Cases {
		var d Distance
		require.NoError(t, d.UnmarshalText([]byte(c.Distance)))
		query, gallery := Set{Embeddings: c.Queries, Dim: c.Dim}, Set{Embeddings: c.Gallery, Dim: c.Dim}
		n := gallery.Len()
		found, err := Search(context.Background(), query, &gallery, SearchOptions{K: n, Distance: d, ReRank: &ReRanking{c.K1, c.K2, c.Lambda}})
		require.NoError(t, err, c.Name)
		for i := range query.Len() {
			rows, distances := found.Of(i)
			require.True(t, slices.IsSorted(distances))
			for k, row := range rows {
				require.InDelta(t, c.Distances[i*n+int(row)], distances[k], 2e-6, "%s: query %d, row %d", c.Name, i, row)
			}
		}
	}
}

// clouds is classes of rows around points, some rows equal to others.
func clouds(seed uint64, rows, dim, classes int) Set {
	rng := rand.New(rand.NewPCG(seed, 0))
	s := Set{Dim: dim, Embeddings: make([]float32, rows*dim), Labels: make([]int, rows)}
	middle := make([]float32, classes*dim)
	for i := range middle {
		middle[i] = float32(rng.NormFloat64())
	}
	for i := range s.Labels {
		s.Labels[i] = rng.IntN(classes)
		for j := range dim {
			s.Embeddings[i*dim+j] = middle[s.Labels[i]*dim+j] + 0.6*float32(rng.NormFloat64())
		}
		if i%7 == 6 {
			copy(s.Row(i), s.Row(i-3))
		}
	}
	return s
}

// Figures are those of the whole gallery sorted by the distances of Search, however few of them are
// computed exactly, and the nearest few are the first of all.
func TestReRankingFigures(t *testing.T) {
	ctx := context.Background()
	all := clouds(1, 90, 5, 14)
	half := Set{Embeddings: slices.Clone(all.Embeddings[:30*5]), Dim: 5, Labels: slices.Clone(all.Labels[:30])}
	rest := Set{Embeddings: all.Embeddings[30*5:], Dim: 5, Labels: all.Labels[30:]}
	own := make([]int, 30)
	for i := range own {
		if own[i] = i*3 - 30; own[i] >= 0 {
			copy(half.Row(i), all.Row(own[i]))
			half.Labels[i] = all.Labels[own[i]]
		}
	}
	for name, c := range map[string]struct {
		query   Set
		gallery *Set
		own     []int
	}{"itself": {all, nil, nil}, "a gallery": {half, &rest, nil}, "some queries in the gallery": {half, &all, own}} {
		for _, d := range []Distance{Euclidean, Cosine} {
			for _, o := range []ReRanking{DefaultReRanking, {K1: 4, K2: 1, Lambda: 0}, {K1: 9, K2: 3, Lambda: 1}, {K1: 60, K2: 30, Lambda: 0.5}} {
				m, err := match(c.query, c.gallery, false, c.own)
				require.NoError(t, err)
				r, err := m.reRank(ctx, d, &o)
				require.NoError(t, err)
				whole, err := Search(ctx, c.query, c.gallery, SearchOptions{K: m.gallery.Len(), Distance: d, OwnRows: c.own, ReRank: &o})
				require.NoError(t, err)
				few, err := Search(ctx, c.query, c.gallery, SearchOptions{K: 5, Distance: d, OwnRows: c.own, ReRank: &o})
				require.NoError(t, err)
				at := []int{1, 2, 5, 20}
				sum, queries := &Retrieval{Recall: make([]float64, len(at))}, 0
				for i := range c.query.Len() {
					order := &reorder{r: r, c: r.relatives(i, make([]float64, m.gallery.Len()))}
					var list []nearest.Ranked
					for j := range m.gallery.Len() {
						if j != m.ownRow(i) {
							list = append(list, nearest.Ranked{Key: order.final(i, j), Row: int32(j)})
						}
					}
					slices.SortFunc(list, nearest.Compare)
					for n, found := range map[int]Neighbours{m.others(): whole, 5: few} {
						rows, distances := found.Of(i)
						require.Len(t, rows, n)
						for k := range rows {
							require.Equal(t, list[k], nearest.Ranked{Key: distances[k], Row: rows[k]}, "%s %v %v: query %d", name, d, o, i)
						}
					}
					if r := bruteRetrieval(list, c.query.Labels[i], m.gallery.Labels, at); r != nil {
						sum.add(*r)
						queries++
					}
				}
				sum.divide(queries)
				got, err := Evaluate(ctx, c.query, c.gallery, Options{Distance: d, RecallAt: at, OwnRows: c.own, ReRank: &o, NoClustering: true})
				require.NoError(t, err)
				require.Equal(t, queries, got.Queries)
				near(t, *sum, got.Retrieval, name)
			}
		}
	}
}

func near(t *testing.T, want, got Retrieval, name string) {
	t.Helper()
	require.InDeltaSlice(t, want.Recall, got.Recall, 1e-12, name)
	require.InDeltaSlice(t, []float64{want.PrecisionAt1, want.RPrecision, want.MAPAtR, want.MAP, want.MRR},
		[]float64{got.PrecisionAt1, got.RPrecision, got.MAPAtR, got.MAP, got.MRR}, 1e-12, name)
}

// One row has neighbours, all rows may be one point, and more neighbours may be asked for than there are.
func TestReRankingCorners(t *testing.T) {
	ctx := context.Background()
	point := Set{Dim: 2, Embeddings: make([]float32, 2*60), Labels: make([]int, 60)}
	for _, o := range []ReRanking{DefaultReRanking, {1, 1, 0}, {1, 1, 1}} {
		for _, d := range []Distance{Euclidean, Cosine} {
			found, err := Search(ctx, point, nil, SearchOptions{K: 3, Distance: d, ReRank: &o})
			require.NoError(t, err)
			for _, v := range found.Distances {
				require.False(t, math.IsNaN(v))
			}
			r, err := Evaluate(ctx, point, nil, Options{Distance: d, ReRank: &o, NoClustering: true})
			require.NoError(t, err)
			require.InDelta(t, 1, r.MAP, 1e-12)
			two := Set{Dim: 1, Embeddings: []float32{1, 2}, Labels: []int{0, 0}}
			found, err = Search(ctx, two, nil, SearchOptions{K: 9, Distance: d, ReRank: &o})
			require.NoError(t, err)
			require.Equal(t, []int32{1, 0}, found.Indices)
		}
	}
}

func TestReRankingRefuses(t *testing.T) {
	ctx := context.Background()
	s := clouds(1, 20, 2, 3)
	for message, o := range map[string]SearchOptions{
		"K1 is 0, K2 6":                     {ReRank: &ReRanking{0, 6, 0.3}},
		"K1 is 20, K2 -1":                   {ReRank: &ReRanking{20, -1, 0.3}},
		"Lambda is 1.5; take":               {ReRank: &ReRanking{20, 6, 1.5}},
		"Lambda is NaN; take":               {ReRank: &ReRanking{20, 6, math.NaN()}},
		"products are no distances; take E": {Distance: Dot, ReRank: &DefaultReRanking},
	} {
		_, err := Search(ctx, s, nil, o)
		require.ErrorContains(t, err, "metrics: re-ranking: "+message)
		_, err = Evaluate(ctx, s, nil, Options{Distance: o.Distance, ReRank: o.ReRank})
		require.ErrorContains(t, err, "metrics: re-ranking: "+message)
	}
	_, err := Recall(ctx, s, nil, []int{1}, SearchOptions{ReRank: &DefaultReRanking})
	require.ErrorContains(t, err, "Evaluate measures with it")
	stopped, stop := context.WithCancel(ctx)
	stop()
	_, err = Search(stopped, s, nil, SearchOptions{ReRank: &DefaultReRanking})
	require.ErrorIs(t, err, context.Canceled)
}
