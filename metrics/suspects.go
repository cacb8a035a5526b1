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
	size := map[int]int{}
	for _, label := range labels {
		size[label]++
	}
	type ranked struct {
		Suspect
		distance float64
	}
	var list []ranked
	var votes []int
	var distances []float64
	for i, label := range labels {
		if label < 0 {
			continue
		}
		if size[label] == 1 {
			alone++
			continue
		}
		votes, distances = votes[:0], distances[:0]
		places := []int{}
		rows, all := found.Of(i)
		for place, row := range rows {
			if int(row) >= len(labels) {
				return nil, 0, errors.Errorf("metrics: neighbour %d of row %d has no label; there are %d", row, i, len(labels))
			}
			if row >= 0 && len(votes) < size[label]-1 && labels[row] >= 0 && int(row) != i {
				votes, distances, places = append(votes, labels[row]), append(distances, all[place]), append(places, place)
			}
		}
		if len(votes) == 0 {
			continue
		}
		d, err := Vote(votes, distances)
		if err != nil {
			return nil, 0, err
		}
		own := 0
		for _, v := range votes {
			if v == label {
				own++
			}
		}
		if d.Label == label || d.Votes == own {
			continue
		}
		n := float64(len(votes))
		list = append(list, ranked{Suspect{i, d.Label, places[d.Row], len(votes), float64(own) / n, float64(d.Votes) / n}, d.Distance})
	}
	slices.SortStableFunc(list, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.Margin(), b.Margin()), b.Asked-a.Asked, cmp.Compare(a.distance, b.distance))
	})
	for _, s := range list {
		suspects = append(suspects, s.Suspect)
	}
	return suspects, alone, nil
}
