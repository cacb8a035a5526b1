package metrics

import (
	"cmp"
	"slices"

	"github.com/pkg/errors"
)

// Suspect is a row whose label its neighbours do not share.
type Suspect struct {
	Row       int     // whose label is in doubt
	Suggested int     // the label that most of its neighbours have
	Place     int     // of the nearest neighbour with that label, from 0
	Asked     int     // neighbours
	Share     float64 // of them that have its own label
	Others    float64 // of them that have the suggested one
}

// Margin is Share − Others, from −1, where all neighbours say the same other label, to 0.
func (s Suspect) Margin() float64 { return s.Share - s.Others }

// SuspectLabels lists the rows whose label is likely wrong, the likeliest first: those of which more of the
// nearest other rows have one other label than have their own. found is the neighbours of each row among
// all other rows, and labels (N) are theirs, below zero for none, which neither vote nor are in doubt. Rows of
// a label with n rows ask their n − 1 nearest neighbours with a label, of found.K at most: no more
// could agree. A neighbour below zero is none. A row alone of its label cannot be judged, and is not listed; alone counts them.
//
// The rule is that of D. L. Wilson, "Asymptotic Properties of Nearest Neighbor Rules Using Edited Data",
// IEEE Transactions on Systems, Man, and Cybernetics 2, 1972, over embeddings as of Z. Zhu, Z. Dong and Y. Liu, "Detecting
// Corrupted Labels Without Training a Model to Predict", ICML 2022. The order is by the normalized margin of
// C. Northcutt, L. Jiang and I. Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70,
// 2021, of the shares of the neighbours; rows of one margin come by how many were asked, most first, and then
// by the distance of the nearest neighbour with the suggested label.
func SuspectLabels(found Neighbours, labels []int) (suspects []Suspect, alone int, err error) {
	if len(labels) != found.Len() {
		return nil, 0, errors.Errorf("metrics: %d labels for the neighbours of %d rows", len(labels), found.Len())
	}
	b := &ballot{found: found, labels: labels, size: map[int]int{}}
	for _, label := range labels {
		b.size[label]++
	}
	var list []election
	for i, label := range labels {
		switch {
		case label < 0:
			continue
		case b.size[label] == 1:
			alone++
			continue
		}
		e, lost, err := b.elect(i)
		if err != nil {
			return nil, 0, err
		}
		if lost {
			list = append(list, e)
		}
	}
	slices.SortStableFunc(list, func(a, b election) int {
		return cmp.Or(cmp.Compare(a.Margin(), b.Margin()), b.Asked-a.Asked, cmp.Compare(a.distance, b.distance))
	})
	for _, e := range list {
		suspects = append(suspects, e.Suspect)
	}
	return suspects, alone, nil
}

// election is a row whose label lost the vote of its neighbours.
type election struct {
	Suspect
	distance float64 // of the nearest neighbour with the suggested label
}

// ballot takes the votes of neighbours on labels.
type ballot struct {
	found  Neighbours
	labels []int
	size   map[int]int // rows of a label

	// Of the row in question, by neighbour with a vote:
	votes     []int
	distances []float64
	places    []int
}

// elect takes the vote on a row, and reports whether its own label lost.
func (b *ballot) elect(row int) (e election, lost bool, err error) {
	own := 0
	if own, err = b.ask(row); err != nil || len(b.votes) == 0 {
		return e, false, err
	}
	d, err := Vote(b.votes, b.distances)
	if err != nil || d.Label == b.labels[row] || d.Votes == own {
		return e, false, err
	}
	n := float64(len(b.votes))
	return election{Suspect{row, d.Label, b.places[d.Row], len(b.votes), float64(own) / n, float64(d.Votes) / n}, d.Distance}, true, nil
}

// ask lists the votes of the neighbours of a row, and counts those for its own label.
func (b *ballot) ask(row int) (own int, err error) {
	b.votes, b.distances, b.places = b.votes[:0], b.distances[:0], b.places[:0]
	label := b.labels[row]
	rows, distances := b.found.Of(row)
	for place, other := range rows {
		if int(other) >= len(b.labels) {
			return 0, errors.Errorf("metrics: neighbour %d of row %d has no label; there are %d", other, row, len(b.labels))
		}
		if other < 0 || int(other) == row || b.labels[other] < 0 || len(b.votes) == b.size[label]-1 {
			continue
		}
		b.votes, b.distances, b.places = append(b.votes, b.labels[other]), append(b.distances, distances[place]), append(b.places, place)
		if b.labels[other] == label {
			own++
		}
	}
	return own, nil
}
