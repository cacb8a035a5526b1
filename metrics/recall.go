package metrics

import (
	"context"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/needs"
)

// Recalls is Recall@K for several K.
type Recalls struct {
	At      []int     // the K
	Recall  []float64 // the share of Queries with a relevant row among the K nearest
	Queries int       // that have relevant rows in the gallery
	LeftOut int       // that have none
	Tied    int       // of Queries, those whose nearest relevant row is exactly as far as another one
}

// Recall measures Recall@K for each K of at by a search for the largest K alone, which
// is much less work than Evaluate where classes are large. Rows at exactly the same
// distance count as in [Retrieval]. o.K must be zero and o.ReRank nil.
func Recall(ctx context.Context, query Set, gallery *Set, at []int, o SearchOptions) (Recalls, error) {
	if err := needs.Context("metrics", ctx); err != nil {
		return Recalls{}, err
	}
	if len(at) == 0 || slices.Min(at) < 1 {
		return Recalls{}, errors.Errorf("metrics: recall at %v; name at least one K, each from 1 on", at)
	}
	if o.K != 0 {
		return Recalls{}, errors.Errorf("metrics: recall at %v searches for as many neighbours; leave K = %d out", at, o.K)
	}
	if o.ReRank != nil {
		return Recalls{}, errors.New("metrics: Recall with ReRank; Evaluate measures with it")
	}
	m, err := match(query, gallery, o.GalleryHoldsQueries, o.OwnRows)
	if err != nil {
		return Recalls{}, err
	}
	if err := m.checkLabels(); err != nil {
		return Recalls{}, err
	}
	if err := o.Distance.check(); err != nil {
		return Recalls{}, err
	}
	o.K = slices.Max(at)
	found, err := m.search(ctx, o)
	if err != nil {
		return Recalls{}, err
	}
	return m.recall(found, at)
}

func (m matching) recall(found nearby, at []int) (Recalls, error) {
	r := Recalls{At: slices.Clone(at), Recall: make([]float64, len(at))}
	relevant := m.relevant()
	first := make([]tier, len(relevant))
	parallelQueries(0, len(relevant), func(i int) {
		if relevant[i] > 0 {
			first[i] = m.firstTier(found, i)
		}
	})
	for i, t := range first {
		if relevant[i] == 0 {
			r.LeftOut++
			continue
		}
		r.Queries++
		if t.relevant > 0 && t.open() {
			r.Tied++
		}
		for k := range at {
			r.Recall[k] += t.hitWithin(at[k])
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

// firstTier is the tier of the nearest relevant row of query i, empty if none is among
// those found.
func (m matching) firstTier(found nearby, i int) (t tier) {
	k := found.K
	indices, keys := found.Indices[i*k:(i+1)*k], found.keys[i*k:(i+1)*k]
	for place, key := range keys {
		if place == 0 || key != keys[place-1] {
			if t.relevant > 0 {
				return t
			}
			t = tier{before: int32(place)}
		}
		t.rows++
		if m.gallery.Labels[indices[place]] == m.query.Labels[i] {
			t.relevant++
		}
	}
	if !found.more[i] {
		return t
	}
	// The last tier goes on beyond the rows found: count it whole.
	last := keys[k-1]
	own := m.ownRow(i)
	t.rows, t.relevant = 0, 0
	for j, label := range m.gallery.Labels {
		if j == own || found.scan.key(i, j) != last {
			continue
		}
		t.rows++
		if label == m.query.Labels[i] {
			t.relevant++
		}
	}
	return t
}
