package metrics

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/nearest"
)

func unitRow(row []float32) []float64 {
	n := math.Sqrt(nearest.Dot(row, row))
	out := make([]float64, len(row))
	for j, v := range row {
		if n > 0 {
			out[j] = float64(v) / n
		}
	}
	return out
}

// The mean is that of a plain loop over all rows.
func TestExpand(t *testing.T) {
	ctx := context.Background()
	all := clouds(2, 90, 4, 9)
	some := Set{Dim: 4, Embeddings: all.Embeddings[:4*20], Labels: all.Labels[:20]}
	for _, c := range []struct {
		gallery *Set
		holds   bool
	}{{nil, false}, {&all, false}, {&all, true}} {
		for _, alpha := range []float64{0, 1, 3} {
			got, err := Expand(ctx, some, c.gallery, ExpandOptions{Neighbours: 5, Alpha: alpha, GalleryHoldsQueries: c.holds})
			require.NoError(t, err)
			require.Equal(t, some.Labels, got.Labels)
			of := some
			if c.gallery != nil {
				of = *c.gallery
			}
			for i := range some.Len() {
				q := unitRow(some.Row(i))
				var near []nearest.Ranked
				for j := range of.Len() {
					if own := c.gallery == nil || c.holds; !own || i != j {
						near = append(near, nearest.Ranked{Key: bruteKey(Cosine, some.Row(i), of.Row(j)), Row: int32(j)})
					}
				}
				slices.SortFunc(near, nearest.Compare)
				sum, norm := slices.Clone(q), 0.0
				for _, r := range near[:5] {
					for j, v := range unitRow(of.Row(int(r.Row))) {
						sum[j] += math.Pow(max(0, -r.Key), alpha) * v
					}
				}
				for _, v := range sum {
					norm += v * v
				}
				for j, v := range sum {
					require.InDelta(t, v/math.Sqrt(norm), got.Row(i)[j], 1e-6, "row %d", i)
				}
			}
		}
	}
}

func TestExpandRefuses(t *testing.T) {
	s := clouds(2, 20, 4, 9)
	for message, o := range map[string]ExpandOptions{
		"query expansion by 0 neighbours":  {},
		"query expansion with Alpha NaN":   {Neighbours: 1, Alpha: math.NaN()},
		"query expansion with Alpha -1":    {Neighbours: 1, Alpha: -1},
		"together with GalleryHoldsQuerie": {Neighbours: 1, OwnRows: make([]int, 20)},
	} {
		_, err := Expand(context.Background(), s, nil, o)
		require.ErrorContains(t, err, message)
	}
}

// First cuts rows and makes their length 1.
func TestFirst(t *testing.T) {
	s := Set{Dim: 3, Embeddings: []float32{3, 4, 9, 0, 0, 2}, Labels: []int{1, 2}}
	first, err := s.First(2)
	require.NoError(t, err)
	require.InDeltaSlice(t, []float32{0.6, 0.8, 0, 0}, first.Embeddings, 1e-7)
	require.Equal(t, s.Labels, first.Labels)
	for _, dim := range []int{0, 4} {
		_, err := s.First(dim)
		require.ErrorContains(t, err, "numbers of rows of 3")
	}
}
