package metrics

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Names lists what Values can hold, in its order, and FigureOf knows all of it and no more.
func TestNamesAreThoseOfValues(t *testing.T) {
	full := Result{RecallAt: []int{7}, Retrieval: Retrieval{Recall: []float64{0}}, Clustered: true, ReID: &ReID{At: []int{7}, CMC: []float64{0}, Queries: 1}}
	var held []string
	for _, v := range full.Values() {
		held = append(held, strings.Replace(v.Name, "_7", "_K", 1))
		f, ok := FigureOf(v.Name)
		require.True(t, ok, v.Name)
		assert.Equal(t, strings.HasPrefix(v.Name, "cmc"), f.Cameras, v.Name)
		assert.Equal(t, slices.Contains([]string{"nmi", "ami", "ari", "pairwise_f1"}, v.Name), f.Clusters, v.Name)
	}
	require.ElementsMatch(t, held, Names())
	require.Equal(t, held, Names())
	f, _ := FigureOf("recall_at_12")
	require.Equal(t, Figure{RecallAt: 12}, f)
	f, _ = FigureOf("cmc_at_20")
	require.Equal(t, Figure{CMCAt: 20, Cameras: true}, f)
	for _, name := range []string{"", "recall_at_", "recall_at_K", "recall_at_0", "recall_at_-1", "recall_at_01", "recall_at_+1", "recall_at_1234567", "cmc_at_K", "cmc_at_x", "cmc", "MAP", "map "} {
		_, ok := FigureOf(name)
		assert.False(t, ok, name)
	}
}
