package metrics

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// goldenTolerance holds for every figure but MRR, which the oracle computes in float32.
const goldenTolerance = 1e-12

// mrrTolerance is two units in the last place of a float32 below 1: the oracle averages
// float32 reciprocal ranks in float32, so that even the correctly rounded mean may
// differ from its figure by that.
const mrrTolerance = 2 * 0x1p-24

type goldenFile struct {
	Inputs map[string]struct {
		Embeddings [][]float64
		Labels     []int
	}
	Records []json.RawMessage
}

type goldenRecord struct {
	Set, Mode, Query, Reference string

	Options map[string]any
	Metrics map[string]any
	Cluster []int `json:"cluster_labels_of_queries"`

	Indices   [][]int32
	Distances [][]float64 `json:"sq_distances_first5rows"`

	Recall map[string]float64

	K          int
	Iterations int `json:"iterations_run"`
	Labels     []int
	Centers    [][]float64
	Inertia    float64
	NMI        float64
	AMI        float64
	ARI        float64
}

// goldenFolder is testdata, or a folder with other cases in the same format.
func goldenFolder() string {
	if dir := os.Getenv("GOLDEN_DIR"); dir != "" {
		return dir
	}
	return "testdata"
}

// TestGolden holds every record of pytorch-metric-learning 2.8.1 and scikit-learn
// against Evaluate, Search, KMeans and Contingency.
func TestGolden(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(goldenFolder(), "metrics.json"))
	require.NoError(t, err)
	var file goldenFile
	require.NoError(t, json.Unmarshal(data, &file))
	require.NotEmpty(t, file.Records)
	for i, raw := range file.Records {
		var r goldenRecord
		require.NoError(t, json.Unmarshal(raw, &r), "record %d", i)
		in, ok := file.Inputs[r.Set]
		require.True(t, ok, "record %d names the set %q", i, r.Set)
		t.Run(fmt.Sprintf("%d %s %s %v", i, r.Set, r.Mode, r.Options), func(t *testing.T) {
			switch {
			case r.Metrics != nil:
				goldenMetrics(t, setOf(in.Embeddings, in.Labels, 1), r)
			case r.Indices != nil:
				goldenNeighbours(t, in.Embeddings, r)
			case r.Recall != nil:
				goldenRecall(t, setOf(in.Embeddings, in.Labels, 1), r)
			case r.Centers != nil:
				goldenLloyd(t, in.Embeddings, in.Labels, r)
			default:
				t.Fatalf("no test for a record like %s", raw)
			}
		})
	}
}

func setOf(embeddings [][]float64, labels []int, scale float64) Set {
	s := Set{Dim: len(embeddings[0]), Labels: labels}
	for _, row := range embeddings {
		for _, v := range row {
			s.Embeddings = append(s.Embeddings, float32(v*scale))
		}
	}
	return s
}

// wholeSet holds the 4-decimal numbers times 10,000, which a float32 holds exactly, so
// that distances and centres can be compared to the last digits.
func wholeSet(t *testing.T, embeddings [][]float64, labels []int) Set {
	s := setOf(embeddings, labels, 10_000)
	for i, v := range s.Embeddings {
		w := math.Round(float64(v))
		require.InDelta(t, embeddings[i/s.Dim][i%s.Dim], w/10_000, 1e-15, "a number of more than four decimals")
		s.Embeddings[i] = float32(w)
	}
	return s
}

func (s Set) rows(lo, hi int) Set {
	return Set{Embeddings: s.Embeddings[lo*s.Dim : hi*s.Dim], Dim: s.Dim, Labels: s.Labels[lo:hi]}
}

// goldenSets are query and gallery as the record words them.
func goldenSets(t *testing.T, all Set, r goldenRecord) (query Set, gallery *Set, own bool) {
	query = all
	if r.Query != "all rows" {
		var last int
		_, err := fmt.Sscanf(r.Query, "rows 0..%d", &last)
		require.NoError(t, err, "query %q", r.Query)
		query = all.rows(0, last+1)
	}
	switch {
	case r.Mode == "self" && r.Query == "all rows" && r.Reference == "all rows, a query's own row left out":
		return query, nil, false
	case r.Mode == "ref_includes_query" && r.Reference == "all rows, a query's own row left out":
		return query, &all, true
	case r.Mode == "query_ref":
		var first int
		_, err := fmt.Sscanf(r.Reference, "rows %d..", &first)
		require.NoError(t, err, "reference %q", r.Reference)
		rest := all.rows(first, all.Len())
		return query, &rest, false
	}
	t.Fatalf("no test for mode %q, query %q, reference %q", r.Mode, r.Query, r.Reference)
	return
}

func goldenOptions(t *testing.T, r goldenRecord) Options {
	o := Options{ClusterLabels: r.Cluster}
	for name, v := range r.Options {
		switch {
		case name == "avg_of_avgs":
			o.AverageByClass = v.(bool)
		case name == "return_per_class":
			o.PerClass = v.(bool)
		case name == "k" && v == "max_bin_count":
			o.K = KLargestR
		case name == "k" && v == nil:
		case name == "k":
			o.K = int(v.(float64))
		default:
			t.Fatalf("no test for option %s = %v", name, v)
		}
	}
	return o
}

func goldenMetrics(t *testing.T, all Set, r goldenRecord) {
	query, gallery, own := goldenSets(t, all, r)
	o := goldenOptions(t, r)
	o.GalleryHoldsQueries = own
	got, err := Evaluate(context.Background(), query, gallery, o)
	require.NoError(t, err)
	require.NotEmpty(t, r.Metrics)
	for name, want := range r.Metrics {
		tolerance := goldenTolerance
		if name == "mean_reciprocal_rank" {
			tolerance = mrrTolerance
		}
		switch name {
		case "NMI":
			assert.InDelta(t, want, got.NMI, tolerance, name)
			continue
		case "AMI":
			assert.InDelta(t, want, got.AMI, tolerance, name)
			continue
		}
		perClass, isList := want.([]any)
		if !isList {
			assert.InDelta(t, want, figure(t, got.Retrieval, name), tolerance, name)
			continue
		}
		require.True(t, o.PerClass, "%s is a list", name)
		require.Len(t, got.Classes, len(perClass), name)
		for i, want := range perClass {
			assert.InDelta(t, want, figure(t, got.Classes[i].Retrieval, name), tolerance, "%s of class %d", name, got.Classes[i].Label)
		}
	}
}

// figure is the figure under the oracle's name.
func figure(t *testing.T, r Retrieval, name string) float64 {
	switch name {
	case "precision_at_1":
		return r.PrecisionAt1
	case "r_precision":
		return r.RPrecision
	case "mean_average_precision_at_r":
		return r.MAPAtR
	case "mean_average_precision":
		return r.MAP
	case "mean_reciprocal_rank":
		return r.MRR
	}
	t.Fatalf("no test for the metric %s", name)
	return 0
}

func goldenNeighbours(t *testing.T, embeddings [][]float64, r goldenRecord) {
	var k int
	_, err := fmt.Sscanf(r.Mode, "knn_self_top%d_euclidean", &k)
	require.NoError(t, err, "mode %q", r.Mode)
	for name, s := range map[string]Set{"as float32": setOf(embeddings, nil, 1), "exact": wholeSet(t, embeddings, nil)} {
		got, err := Search(context.Background(), s, nil, SearchOptions{K: k})
		require.NoError(t, err)
		require.Equal(t, len(r.Indices), got.Len())
		for i, want := range r.Indices {
			indices, distances := got.Of(i)
			require.Equal(t, want, indices, "%s: row %d", name, i)
			if name == "exact" && i < len(r.Distances) {
				for j, d := range distances {
					assert.InDelta(t, r.Distances[i][j], d*d*1e-8, goldenTolerance, "row %d neighbour %d", i, j)
				}
			}
		}
	}
}

func goldenRecall(t *testing.T, all Set, r goldenRecord) {
	require.True(t, strings.HasPrefix(r.Mode, "recall_at_k_self"), r.Mode)
	for name, want := range r.Recall {
		k, err := strconv.Atoi(name)
		require.NoError(t, err)
		got, err := Evaluate(context.Background(), all, nil, Options{RecallAt: []int{k}, NoClustering: true})
		require.NoError(t, err)
		// The record counts queries without a relevant row as misses.
		share := float64(got.Queries) / float64(got.Queries+got.LeftOut)
		assert.InDelta(t, want, got.Recall[0]*share, goldenTolerance, "recall at %d", k)
		direct, err := Recall(context.Background(), all, nil, []int{k}, SearchOptions{})
		require.NoError(t, err)
		assert.InDelta(t, want, direct.Recall[0]*share, goldenTolerance, "recall at %d", k)
	}
}

func goldenLloyd(t *testing.T, embeddings [][]float64, labels []int, r goldenRecord) {
	require.Equal(t, "lloyd_from_first_k_rows", r.Mode)
	s := wholeSet(t, embeddings, labels)
	centres := make([]float64, r.K*s.Dim)
	for i := range centres {
		centres[i] = float64(s.Embeddings[i])
	}
	got, err := KMeans(context.Background(), s, KMeansOptions{Clusters: r.K, Centres: centres})
	require.NoError(t, err)
	assert.True(t, got.Converged)
	assert.Equal(t, r.Iterations, got.Iterations)
	assert.Equal(t, r.Labels, got.Labels)
	assert.InDelta(t, r.Inertia, got.Inertia*1e-8, goldenTolerance*r.Inertia)
	for i, row := range r.Centers {
		for d, want := range row {
			assert.InDelta(t, want, got.Centres[i*s.Dim+d]*1e-4, goldenTolerance)
		}
	}
	c, err := NewContingency(labels, got.Labels)
	require.NoError(t, err)
	assert.InDelta(t, r.NMI, c.NMI(), goldenTolerance)
	assert.InDelta(t, r.AMI, c.AMI(), goldenTolerance)
	assert.InDelta(t, r.ARI, c.ARI(), goldenTolerance)
}
