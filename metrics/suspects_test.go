package metrics

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVoteRefuses(t *testing.T) {
	_, err := Vote(nil, nil)
	require.ErrorContains(t, err, "there is no neighbour")
	_, err = Vote([]int{1}, nil)
	require.ErrorContains(t, err, "1 labels and 0 distances")
	d, err := Vote([]int{4, 9, 9, 4, 2}, []float64{1, 2, 3, 4, 5})
	require.NoError(t, err)
	require.Equal(t, Decision{Label: 4, Votes: 2, Row: 0, Distance: 1}, d)
}

// On a line stand two classes, each with a row of the other's label, and one row alone of its label.
func TestSuspectLabels(t *testing.T) {
	s := Set{Dim: 1, Embeddings: []float32{0, 1, 2, 3, 3.1, 20, 21, 22, 22.4, 23, 40, 41}, Labels: []int{1, 1, 1, 1, 2, 2, 2, 2, 1, 2, 7, -1}}
	found, err := Search(context.Background(), s, nil, SearchOptions{K: 3})
	require.NoError(t, err)
	got, alone, err := SuspectLabels(found, s.Labels)
	require.NoError(t, err)
	require.Equal(t, 1, alone)
	// Both are among three of the other class; the fourth row is nearer (0.1) to its own neighbour.
	require.Equal(t, []Suspect{{Row: 4, Suggested: 1, Asked: 3, Others: 1}, {Row: 8, Suggested: 2, Asked: 3, Others: 1}}, got)
	require.Equal(t, -1.0, got[0].Margin())
}

// Classes of few rows are not outvoted by their neighbours: a row of two asks one.
func TestSuspectLabelsOfSmallClasses(t *testing.T) {
	s := Set{Dim: 1, Embeddings: []float32{0, 0.1, 1, 1.1, 1.2, 1.3, 1.4}, Labels: []int{1, 1, 2, 2, 2, 2, 2}}
	found, err := Search(context.Background(), s, nil, SearchOptions{K: 5})
	require.NoError(t, err)
	got, _, err := SuspectLabels(found, s.Labels)
	require.NoError(t, err)
	require.Empty(t, got)
}

// Labels that were changed on purpose are found among clusters that overlap a little.
func TestSuspectLabelsFindsChangedOnes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	s := Set{Dim: 8}
	centres := make([]float32, 10*8)
	for i := range centres {
		centres[i] = float32(rng.NormFloat64())
	}
	for i := range 500 {
		s.Labels = append(s.Labels, i%10)
		for d := range 8 {
			s.Embeddings = append(s.Embeddings, centres[i%10*8+d]+0.35*float32(rng.NormFloat64()))
		}
	}
	truth := slices.Clone(s.Labels)
	for i := range 25 {
		s.Labels[i*20] = (s.Labels[i*20] + 1 + i%9) % 10
	}
	found, err := Search(context.Background(), s, nil, SearchOptions{K: 10})
	require.NoError(t, err)
	got, _, err := SuspectLabels(found, s.Labels)
	require.NoError(t, err)
	right := 0
	for _, g := range got[:25] {
		if g.Row%20 == 0 && g.Suggested == truth[g.Row] {
			right++
		}
	}
	require.GreaterOrEqual(t, right, 24)
	require.LessOrEqual(t, len(got), 30)
}

func TestSuspectLabelsRefuses(t *testing.T) {
	_, _, err := SuspectLabels(Neighbours{K: 1, Indices: []int32{0}, Distances: []float64{0}}, nil)
	require.ErrorContains(t, err, "0 labels for the neighbours of 1 rows")
	_, _, err = SuspectLabels(Neighbours{K: 1, Indices: []int32{5, 0}, Distances: []float64{0, 0}}, []int{1, 1})
	require.ErrorContains(t, err, "neighbour 5 of row 0 has no label")
}
