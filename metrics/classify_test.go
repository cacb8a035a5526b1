package metrics

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClassify(t *testing.T) {
	ctx := context.Background()
	gallery := Set{Dim: 1, Embeddings: []float32{0, 1, 2, 10, 11, 30}, Labels: []int{7, 7, 5, 5, 5, 9}}
	query := Set{Dim: 1, Embeddings: []float32{0.4, 1.6, 7, 29, 100}}
	within := 5.0
	for name, c := range map[string]struct {
		o    ClassifyOptions
		want []Decision
	}{
		"nearest": {ClassifyOptions{}, []Decision{
			{Label: 7, Votes: 1, Row: 0, Distance: 0.4}, {Label: 5, Votes: 1, Row: 2, Distance: 0.4}, {Label: 5, Votes: 1, Row: 3, Distance: 3},
			{Label: 9, Votes: 1, Row: 5, Distance: 1}, {Label: 9, Votes: 1, Row: 5, Distance: 70},
		}},
		"votes": {ClassifyOptions{K: 3}, []Decision{
			{Label: 7, Votes: 2, Row: 0, Distance: 0.4}, {Label: 7, Votes: 2, Row: 1, Distance: 0.6}, {Label: 5, Votes: 3, Row: 3, Distance: 3},
			{Label: 5, Votes: 2, Row: 4, Distance: 18}, {Label: 5, Votes: 2, Row: 4, Distance: 89},
		}},
		"as many votes": {ClassifyOptions{K: 2}, []Decision{
			{Label: 7, Votes: 2, Row: 0, Distance: 0.4}, {Label: 5, Votes: 1, Row: 2, Distance: 0.4}, {Label: 5, Votes: 2, Row: 3, Distance: 3},
			{Label: 9, Votes: 1, Row: 5, Distance: 1}, {Label: 9, Votes: 1, Row: 5, Distance: 70},
		}},
		"rejected": {ClassifyOptions{K: 3, MaxDistance: &within}, []Decision{
			{Label: 7, Votes: 2, Row: 0, Distance: 0.4}, {Label: 7, Votes: 2, Row: 1, Distance: 0.6}, {Label: 5, Votes: 3, Row: 3, Distance: 3},
			{Label: 5, Votes: 2, Row: 4, Distance: 18, Rejected: true}, {Label: 5, Votes: 2, Row: 4, Distance: 89, Rejected: true},
		}},
	} {
		got, err := Classify(ctx, query, &gallery, c.o)
		require.NoError(t, err, name)
		require.Len(t, got, len(c.want))
		for i := range got {
			require.InDelta(t, c.want[i].Distance, got[i].Distance, 1e-6, "%s: %d", name, i)
			got[i].Distance = c.want[i].Distance
		}
		require.Equal(t, c.want, got, name)
	}
	own, err := Classify(ctx, gallery, nil, ClassifyOptions{})
	require.NoError(t, err)
	require.Equal(t, 1, own[0].Row)
}

func TestClassifyRefuses(t *testing.T) {
	gallery := Set{Dim: 1, Embeddings: []float32{0, 1}, Labels: []int{7}}
	_, err := Classify(context.Background(), gallery, &gallery, ClassifyOptions{})
	require.ErrorContains(t, err, "metrics: gallery: 1 labels for 2 rows")
	gallery.Labels = []int{1, 2}
	nan := math.NaN()
	_, err = Classify(context.Background(), gallery, nil, ClassifyOptions{MaxDistance: &nan})
	require.ErrorContains(t, err, "MaxDistance is NaN")
	_, err = Classify(context.Background(), gallery, nil, ClassifyOptions{K: -1})
	require.ErrorContains(t, err, "-1 neighbours")
}
