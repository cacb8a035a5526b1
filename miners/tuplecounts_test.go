package miners_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/miners"
	"medusa/pairs"
)

// Counts of tuples are the reference's weights of samples, but for a factor.
func TestTupleCountsAreTheReferencesWeights(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "tuple_counts.json"))
	require.NoError(t, err)
	var f struct {
		Embeddings [][]float64
		Labels     []int
		Records    []struct {
			Miner   string
			Weights []float64
		}
	}
	require.NoError(t, json.Unmarshal(raw, &f))
	batch := miners.Rows{Embeddings: slices.Concat(f.Embeddings...), Labels: f.Labels}
	require.Len(t, f.Records, 5)
	for _, r := range f.Records {
		m, err := miners.Parse(r.Miner)
		require.NoError(t, err)
		metric := pairs.Metric(pairs.LP{})
		if r.Miner == "multi-similarity" {
			metric = pairs.Cosine{} // the reference's default
		}
		counts, err := miners.TupleCounts(m, metric, batch)
		require.NoError(t, err)
		most := slices.Max(counts)
		require.Positive(t, most, r.Miner)
		for i := range counts {
			counts[i] /= most
		}
		require.InDeltaSlice(t, r.Weights, counts, 1e-12, r.Miner)
	}
}

// They are those of the tuples one by one.
func TestTupleCountsAreThoseOfTheLists(t *testing.T) {
	for _, m := range []miners.Miner{miners.TripletMargin{Type: miners.All, Margin: 3}, miners.Angular{Angle: 30}, miners.BatchHard{}} {
		triplets, err := miners.Triplets(m, raw, line, miners.Rows{})
		require.NoError(t, err)
		want := make([]float64, len(line.Labels))
		for _, tr := range triplets {
			for _, i := range tr {
				want[i]++
			}
		}
		got, err := miners.TupleCounts(m, raw, line)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, m := range []miners.Miner{nil, miners.HDC{Share: 0.3}, &miners.Chain{First: miners.TripletMargin{Type: miners.All, Margin: 3}, Second: miners.HDC{Share: 0.3}}} {
		pos, neg := pairsOf(t, m, line)
		want := make([]float64, len(line.Labels))
		for _, p := range slices.Concat(pos, neg) {
			want[p[0]]++
			want[p[1]]++
		}
		got, err := miners.TupleCounts(m, raw, line)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := miners.TupleCounts(miners.HDC{}, raw, line)
	require.ErrorContains(t, err, "the share is 0")
}
