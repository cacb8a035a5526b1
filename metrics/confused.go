package metrics

import (
	"cmp"
	"slices"

	"github.com/pkg/errors"
)

// ClassPair tells how often rows of one class stand among the nearest neighbours of
// queries of another.
type ClassPair struct {
	Query, Neighbour int     // labels
	Count            int     // of neighbours
	Share            float64 // of all neighbours of the query's class
}

// MostConfused lists the n ordered pairs of different classes with the most neighbours,
// the most confused first, ties by the labels; fewer where there are fewer. With K = 1
// neighbours it counts the wrong answers of a nearest-neighbour classifier.
func MostConfused(found Neighbours, queryLabels, galleryLabels []int, n int) ([]ClassPair, error) {
	if len(queryLabels) != found.Len() {
		return nil, errors.Errorf("metrics: %d labels for the neighbours of %d queries", len(queryLabels), found.Len())
	}
	if n < 0 {
		return nil, errors.Errorf("metrics: the %d most confused classes", n)
	}
	type key struct{ query, neighbour int }
	count, total := map[key]int{}, map[int]int{}
	for i, label := range queryLabels {
		indices, _ := found.Of(i)
		for _, j := range indices {
			if j < 0 || int(j) >= len(galleryLabels) {
				return nil, errors.Errorf("metrics: neighbour %d of query %d has no label; there are %d", j, i, len(galleryLabels))
			}
			total[label]++
			if galleryLabels[j] != label {
				count[key{label, galleryLabels[j]}]++
			}
		}
	}
	pairs := make([]ClassPair, 0, len(count))
	for k, c := range count {
		pairs = append(pairs, ClassPair{k.query, k.neighbour, c, float64(c) / float64(total[k.query])})
	}
	slices.SortFunc(pairs, func(a, b ClassPair) int {
		return cmp.Or(b.Count-a.Count, cmp.Compare(a.Query, b.Query), cmp.Compare(a.Neighbour, b.Neighbour))
	})
	return pairs[:min(n, len(pairs))], nil
}
