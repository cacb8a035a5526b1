package metrics

import (
	"context"
	"slices"

	"github.com/pkg/errors"
)

// Recalls is Recall@K for several K.
type Recalls struct {
	At      []int     // the K
	Recall  []float64 // the share of Queries with a relevant row among the K nearest
	Queries int       // that have relevant rows in the gallery
	LeftOut int       // that have none
}

// Recall measures Recall@K for each K of at by a search for the largest K alone, which
// is much less work than Evaluate where classes are large. o.K must be zero.
func Recall(ctx context.Context, query Set, gallery *Set, at []int, o SearchOptions) (Recalls, error) {
	if len(at) == 0 || slices.Min(at) < 1 {
		return Recalls{}, errors.Errorf("metrics: recall at %v; name at least one K, each from 1 on", at)
	}
	if o.K != 0 {
		return Recalls{}, errors.Errorf("metrics: recall at %v searches for as many neighbours; leave K = %d out", at, o.K)
	}
	m, err := match(query, gallery, o.GalleryHoldsQueries)
	if err != nil {
		return Recalls{}, err
	}
	if err := m.checkLabels(); err != nil {
		return Recalls{}, err
	}
	o.K = slices.Max(at)
	found, err := Search(ctx, query, gallery, o)
	if err != nil {
		return Recalls{}, err
	}
	return m.recall(found, at)
}

func (m matching) recall(found Neighbours, at []int) (Recalls, error) {
	r := Recalls{At: slices.Clone(at), Recall: make([]float64, len(at))}
	for i, relevant := range m.relevant() {
		if relevant == 0 {
			r.LeftOut++
			continue
		}
		r.Queries++
		indices, _ := found.Of(i)
		label := m.query.Labels[i]
		first := slices.IndexFunc(indices, func(j int32) bool { return m.gallery.Labels[j] == label })
		for k := range at {
			if first >= 0 && first < at[k] {
				r.Recall[k]++
			}
		}
	}
	if r.Queries == 0 {
		return Recalls{}, errors.Errorf(noMatch, r.LeftOut)
	}
	for k := range r.Recall {
		r.Recall[k] /= float64(r.Queries)
	}
	return r, nil
}
