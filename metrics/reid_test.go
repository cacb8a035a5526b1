package metrics

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReIDOfTorchreid holds torchreid's evaluator against Evaluate; testdata/reid.py
// wrote what it said. It sums hits in float32.
func TestReIDOfTorchreid(t *testing.T) {
	data, err := os.ReadFile("testdata/reid.json")
	require.NoError(t, err)
	var file struct {
		Cases []struct {
			Query          [][]float64
			QueryLabels    []int `json:"query_labels"`
			QueryCameras   []int `json:"query_cameras"`
			Gallery        [][]float64
			GalleryLabels  []int `json:"gallery_labels"`
			GalleryCameras []int `json:"gallery_cameras"`
			Queries        int
			CMC1           float64 `json:"cmc_at_1"`
			CMC5           float64 `json:"cmc_at_5"`
			CMC10          float64 `json:"cmc_at_10"`
			MAP            float64
		}
	}
	require.NoError(t, json.Unmarshal(data, &file))
	require.NotEmpty(t, file.Cases)
	for _, c := range file.Cases {
		query, gallery := setOf(c.Query, c.QueryLabels, 1), setOf(c.Gallery, c.GalleryLabels, 1)
		plain, err := Evaluate(context.Background(), query, &gallery, Options{NoClustering: true})
		require.NoError(t, err)
		assert.Nil(t, plain.ReID, "no camera is known")
		query.Cameras, gallery.Cameras = c.QueryCameras, c.GalleryCameras
		r, err := Evaluate(context.Background(), query, &gallery, Options{NoClustering: true})
		require.NoError(t, err)
		require.NotNil(t, r.ReID)
		assert.Equal(t, []int{1, 5, 10}, r.ReID.At)
		assert.InDeltaSlice(t, []float64{c.CMC1, c.CMC5, c.CMC10}, r.ReID.CMC, 0x1p-24)
		assert.InDelta(t, c.MAP, r.ReID.MAP, 1e-12)
		assert.Equal(t, c.Queries, r.ReID.Queries)
		assert.Equal(t, len(c.Query)-c.Queries, r.ReID.LeftOut)
		r.ReID = nil
		assert.Equal(t, plain, r, "cameras change no other figure")
	}
}

// A query at 0 of person 1 by camera 1. By hand: its own picture (when it is in the
// gallery) and the one of its camera at 1 are no answers; person 2 at 2, of the same
// camera, is a wrong one; the right ones follow at 3 and 5 with person 2 between them.
func TestReIDByHand(t *testing.T) {
	query := Set{Dim: 1, Embeddings: []float32{0}, Labels: []int{1}, Cameras: []int{1}}
	gallery := Set{Dim: 1, Embeddings: []float32{1, 2, 3, 4, 5}, Labels: []int{1, 2, 1, 2, 1}, Cameras: []int{1, 1, 2, 2, 3}}
	r, err := Evaluate(context.Background(), query, &gallery, Options{CMCAt: []int{1, 2}, NoClustering: true})
	require.NoError(t, err)
	assert.Equal(t, []float64{0, 1}, r.ReID.CMC)
	assert.InDelta(t, (1./2+2./4)/2, r.ReID.MAP, 1e-15)
	assert.Equal(t, 1., r.PrecisionAt1, "the picture of its own camera")

	// A picture of its own camera exactly as far as the right one and a wrong one.
	gallery = Set{Dim: 1, Embeddings: []float32{1, -1, 1}, Labels: []int{1, 1, 2}, Cameras: []int{1, 2, 2}}
	r, err = Evaluate(context.Background(), query, &gallery, Options{CMCAt: []int{1}, NoClustering: true})
	require.NoError(t, err)
	assert.Equal(t, []float64{.5}, r.ReID.CMC)
	assert.InDelta(t, .75, r.ReID.MAP, 1e-15)

	gallery.Cameras = []int{1, 1, 2}
	r, err = Evaluate(context.Background(), query, &gallery, Options{NoClustering: true})
	require.NoError(t, err)
	assert.Zero(t, r.ReID.Queries, "nobody saw person 1 but camera 1")
	assert.Equal(t, 1, r.ReID.LeftOut)
	for _, v := range r.Values() {
		assert.NotContains(t, v.Name, "cmc")
	}
	_, err = Evaluate(context.Background(), query, &gallery, Options{CMCAt: []int{0}})
	assert.EqualError(t, err, "metrics: CMC at 0; K starts at 1")
	gallery.Cameras = nil
	_, err = Evaluate(context.Background(), query, &gallery, Options{})
	assert.EqualError(t, err, "metrics: query and gallery: only one of them tells its Cameras; give both or neither")
	gallery.Cameras = []int{1}
	_, err = Evaluate(context.Background(), query, &gallery, Options{})
	assert.EqualError(t, err, "metrics: gallery: 1 cameras for 3 rows")
}

func TestReIDAsJSON(t *testing.T) {
	s := Set{Dim: 1, Embeddings: []float32{0, 1, 3, 4}, Labels: []int{1, 1, 2, 2}, Cameras: []int{1, 2, 1, 2}}
	for _, cameras := range [][]int{{1, 2, 1, 2}, {1, 1, 1, 1}} {
		s.Cameras = cameras
		want, err := Evaluate(context.Background(), s, nil, Options{NoClustering: true, CMCAt: []int{1, 20}})
		require.NoError(t, err)
		text, err := json.Marshal(want)
		require.NoError(t, err)
		var got Result
		require.NoError(t, json.Unmarshal(text, &got))
		if want.ReID.Queries == 0 { // figures of no query are not written
			want.ReID.At, want.ReID.CMC = nil, nil
		}
		assert.Equal(t, want, got, string(text))
	}
}

// Queries that stand anywhere in the gallery, or not at all, are left out of their own
// rankings: the figures are those of one gallery a query, without it.
func TestOwnRows(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 12))
		gallery := randomSet(rng, 40, 3, 5)
		query := Set{Dim: 3}
		var own []int
		for range 15 {
			row := rng.IntN(gallery.Len())
			query.Embeddings, query.Labels = append(query.Embeddings, gallery.Row(row)...), append(query.Labels, gallery.Labels[row])
			if rng.IntN(3) == 0 {
				row = -1 // a picture like one of the gallery, but another
			}
			own = append(own, row)
		}
		o := Options{NoClustering: true, RecallAt: []int{1, 3}, OwnRows: own, PerQuery: true}
		got, err := Evaluate(context.Background(), query, &gallery, o)
		require.NoError(t, err)
		found, err := Search(context.Background(), query, &gallery, SearchOptions{K: 39, OwnRows: own})
		require.NoError(t, err)
		for _, q := range got.PerQuery {
			i, rest := q.Row, Set{Dim: 3}
			for j := range gallery.Len() {
				if j != own[i] {
					rest.Embeddings, rest.Labels = append(rest.Embeddings, gallery.Row(j)...), append(rest.Labels, gallery.Labels[j])
				}
			}
			want, err := Evaluate(context.Background(), query.rows(i, i+1), &rest, Options{NoClustering: true, RecallAt: []int{1, 3}})
			require.NoError(t, err)
			requireClose(t, want.Retrieval, q.Retrieval, seed)
			near, _ := found.Of(i)
			require.NotContains(t, near, int32(own[i]))
		}
		recalls, err := Recall(context.Background(), query, &gallery, []int{1, 3}, SearchOptions{OwnRows: own})
		require.NoError(t, err)
		require.InDeltaSlice(t, got.Recall, recalls.Recall, 1e-13)
		require.Equal(t, got.LeftOut, recalls.LeftOut)
	}
	s := line(1, 2)
	refused := func(gallery *Set, o Options) string {
		_, err := Evaluate(context.Background(), s, gallery, o)
		require.Error(t, err)
		return err.Error()
	}
	assert.Equal(t, "metrics: OwnRows: 1 rows for 2 queries", refused(&s, Options{OwnRows: []int{0}}))
	assert.Equal(t, "metrics: OwnRows: query 1 is row 2 of a gallery of 2", refused(&s, Options{OwnRows: []int{0, 2}}))
	assert.Contains(t, refused(nil, Options{OwnRows: []int{0, 1}}), "without a gallery")
}

// A camera that nobody knows is no query's own.
func TestUnknownCameras(t *testing.T) {
	s := Set{Dim: 1, Embeddings: []float32{0, 1}, Labels: []int{1, 1}, Cameras: []int{-1, -1}}
	r, err := Evaluate(context.Background(), s, nil, Options{NoClustering: true})
	require.NoError(t, err)
	assert.Equal(t, 2, r.ReID.Queries)
	assert.Equal(t, 1., r.ReID.MAP)
}
