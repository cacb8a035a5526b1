package metrics

import (
	"math/rand/v2"
	"slices"
)

// drawnQueries are the queries that stand for all of a large set.
type drawnQueries struct {
	rows      []int // in ascending order
	matched   int   // queries with relevant rows, which they were drawn from
	unmatched int   // all others
}

// drawQueries draws the queries that MaxQueries allows; nil where it allows all.
func (o Options) drawQueries(m matching) *drawnQueries {
	if o.MaxQueries == 0 || m.query.Len() <= o.MaxQueries {
		return nil
	}
	var matched []int
	for i, relevant := range m.relevant() {
		if relevant > 0 {
			matched = append(matched, i)
		}
	}
	if len(matched) <= o.MaxQueries {
		return nil
	}
	rows := draw(len(matched), o.MaxQueries, newRand(o.Seed, 4))
	for k, i := range rows {
		rows[k] = matched[i]
	}
	return &drawnQueries{rows: rows, matched: len(matched), unmatched: m.query.Len() - len(matched)}
}

// draw returns k of the numbers 0 … n−1 in ascending order, every such choice being equally
// probable.
//
// D. E. Knuth, "The Art of Computer Programming", volume 2, 3rd edition, 1997, section 3.4.2,
// algorithm S.
func draw(n, k int, rng *rand.Rand) []int {
	out := make([]int, 0, k)
	for i := 0; len(out) < k; i++ {
		if rng.IntN(n-i) < k-len(out) {
			out = append(out, i)
		}
	}
	return out
}

// of is m with some of its queries.
func (m matching) of(queries []int) matching {
	if m.own {
		own := make([]int, len(queries))
		for k, i := range queries {
			own[k] = m.ownRow(i)
		}
		m.ownRows = own
	}
	m.query = m.query.subset(queries)
	return m
}

// subset is a copy of some rows.
func (s Set) subset(rows []int) Set {
	out := Set{Dim: s.Dim, Embeddings: make([]float32, 0, len(rows)*s.Dim), Labels: make([]int, 0, len(rows))}
	for _, i := range rows {
		out.Embeddings = append(out.Embeddings, s.Row(i)...)
		out.Labels = append(out.Labels, s.Labels[i])
		if s.Cameras != nil {
			out.Cameras = append(out.Cameras, s.Cameras[i])
		}
	}
	return out
}

// clusterable returns the rows to cluster, and the number of clusters. If MaxClustered forbids to take
// all rows, they are those of drawn classes, and all is the number of classes there are; else all is 0.
func (s Set) clusterable(o Options) (rows Set, clusters, all int) {
	byClass := newClasses(s.Labels)
	if o.MaxClustered == 0 || int64(s.Len())*int64(len(byClass)) <= o.MaxClustered {
		return s, len(byClass), 0
	}
	labels := sortedLabels(byClass)
	rng := newRand(o.Seed, 5)
	rng.Shuffle(len(labels), func(a, b int) { labels[a], labels[b] = labels[b], labels[a] })
	const least = 2 // classes, of which one is told from another
	var list []int
	for _, label := range labels {
		members := byClass[label]
		if clusters >= least && int64(len(list)+len(members))*int64(clusters+1) > o.MaxClustered {
			break
		}
		clusters++
		for _, i := range members {
			list = append(list, int(i))
		}
	}
	slices.Sort(list)
	return s.subset(list), clusters, len(byClass)
}
