package report

import (
	"cmp"
	"math"
	"slices"
)

// Limits of the sections with neighbours.
const (
	shownQueries    = 8  // best, and as many worst
	shownNeighbours = 8  // of each query
	shownPairs      = 12 // of confused classes
	shownExamples   = 4  // of each confused pair
)

// retrieved is a query with its nearest pictures.
type retrieved struct {
	row        int
	ap         float64
	neighbours []neighbour
}

type neighbour struct {
	row      int
	distance float64
	right    bool
}

// neighboursOf lists the nearest pictures of a query without the query itself.
func (d *Data) neighboursOf(query, limit int) []neighbour {
	var list []neighbour
	for k, j := range d.Neighbours.Indices[query] {
		if int(j) == query || len(list) == limit {
			continue
		}
		distance := math.NaN()
		if len(d.Neighbours.Distances) > 0 {
			distance = float64(d.Neighbours.Distances[query][k])
		}
		list = append(list, neighbour{int(j), distance, d.Labels[j] == d.Labels[query]})
	}
	return list
}

// averagePrecision is the mean of the precision at each right neighbour of the list,
// over the right ones that the list could hold.
func averagePrecision(list []neighbour, others int) float64 {
	if others == 0 || len(list) == 0 {
		return math.NaN()
	}
	right, sum := 0, 0.0
	for k, n := range list {
		if n.right {
			right++
			sum += float64(right) / float64(k+1)
		}
	}
	return sum / float64(min(others, len(list)))
}

// answers are the queries that have a value and a neighbour, in the order of the rows.
func (d *Data) answers() []retrieved {
	sizes := make(map[int]int)
	for _, l := range d.Labels {
		sizes[l]++
	}
	var all []retrieved
	for q := range d.Neighbours.Indices {
		list := d.neighboursOf(q, len(d.Labels))
		r := retrieved{row: q, neighbours: list[:min(len(list), shownNeighbours)]}
		if d.PerQueryAP != nil {
			r.ap = d.PerQueryAP[q]
		} else {
			r.ap = averagePrecision(list, sizes[d.Labels[q]]-1)
		}
		if finite(r.ap) && len(list) > 0 {
			all = append(all, r)
		}
	}
	return all
}

// extremes picks the best and the worst queries, of each class at most one unless there
// are fewer classes than places. Of equal ones the query with the nearer neighbour comes
// first: the surest mistake, the surest success. No query is in both lists; if all are
// equal, none is among the worst.
func (d *Data) extremes() (best, worst []retrieved) {
	ranked := d.answers()
	places := min(shownQueries, len(ranked)/2)
	nearest := func(r retrieved) float64 { return r.neighbours[0].distance }
	slices.SortStableFunc(ranked, func(a, b retrieved) int {
		return cmp.Or(cmp.Compare(a.ap, b.ap), cmp.Compare(nearest(a), nearest(b)))
	})
	if n := len(ranked); n > 0 && ranked[0].ap == ranked[n-1].ap {
		return d.oneAClass(ranked, min(shownQueries, n)), nil
	}
	worst = d.oneAClass(ranked, places)
	slices.SortStableFunc(ranked, func(a, b retrieved) int {
		return cmp.Or(cmp.Compare(b.ap, a.ap), cmp.Compare(nearest(a), nearest(b)))
	})
	taken := make(map[int]bool)
	for _, r := range worst {
		taken[r.row] = true
	}
	ranked = slices.DeleteFunc(ranked, func(r retrieved) bool { return taken[r.row] })
	return d.oneAClass(ranked, places), worst
}

// oneAClass takes n of the list in order, passing over classes already taken until
// every class was.
func (d *Data) oneAClass(list []retrieved, n int) []retrieved {
	var picked, passed []retrieved
	seen := make(map[int]bool)
	for _, r := range list {
		if len(picked) == n {
			return picked
		}
		if label := d.Labels[r.row]; seen[label] {
			passed = append(passed, r)
		} else {
			seen[label] = true
			picked = append(picked, r)
		}
	}
	return append(picked, passed[:min(len(passed), n-len(picked))]...)
}

// confused counts class pairs by the nearest neighbour of each query, most frequent first.
func (d *Data) confused() []ClassPair {
	if d.Confused != nil {
		return d.Confused
	}
	queries := make(map[int]int)
	pairs := make(map[[2]int]int)
	for q := range d.Neighbours.Indices {
		near := d.neighboursOf(q, 1)
		if len(near) == 0 {
			continue
		}
		queries[d.Labels[q]]++
		if !near[0].right {
			pairs[[2]int{d.Labels[q], d.Labels[near[0].row]}]++
		}
	}
	var list []ClassPair
	for p, n := range pairs {
		list = append(list, ClassPair{A: p[0], B: p[1], Count: n, Share: float64(n) / float64(queries[p[0]])})
	}
	slices.SortFunc(list, func(a, b ClassPair) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(b.Share, a.Share), cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B))
	})
	return list
}

// mistakes gives examples of a confused pair: pictures of A beside the picture of B that
// lies nearest to each.
func (d *Data) mistakes(p ClassPair) [][2]int {
	var examples [][2]int
	for q := range d.Neighbours.Indices {
		if len(examples) == shownExamples {
			break
		}
		if d.Labels[q] != p.A {
			continue
		}
		if near := d.neighboursOf(q, 1); len(near) > 0 && d.Labels[near[0].row] == p.B {
			examples = append(examples, [2]int{q, near[0].row})
		}
	}
	return examples
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
