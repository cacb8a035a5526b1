package metrics

import (
	"cmp"
	"slices"

	"github.com/pkg/errors"
)

// Vote is what most of the neighbours of a query say that it is: the label with the most votes, of labels
// with as many that of the nearest neighbour. The neighbours have these labels and distances, nearest
// first. Row of the decision is a place among them, from 0, and Rejected is false.
func Vote(labels []int, distances []float64) (Decision, error) {
	switch {
	case len(labels) != len(distances):
		return Decision{}, errors.Errorf("metrics: a vote: %d labels and %d distances of neighbours", len(labels), len(distances))
	case len(labels) == 0:
		return Decision{}, errors.New("metrics: a vote: there is no neighbour")
	}
	var candidates []Decision
	for place, label := range labels {
		at := slices.IndexFunc(candidates, func(d Decision) bool { return d.Label == label })
		if at < 0 {
			at = len(candidates)
			candidates = append(candidates, Decision{Label: label, Row: place, Distance: distances[place]})
		}
		candidates[at].Votes++
	}
	// The first of the largest is that of the nearest row.
	return slices.MaxFunc(candidates, func(a, b Decision) int { return cmp.Compare(a.Votes, b.Votes) }), nil
}
