package metrics

import "slices"

// Retrieval is the retrieval figures of one query, or their means over several. Where
// gallery rows are at exactly the same distance from a query, its figures are the means
// over all orders of them.
type Retrieval struct {
	Recall       []float64 // at Options.RecallAt, in its order
	PrecisionAt1 float64
	RPrecision   float64
	MAPAtR       float64
	MAP          float64
	MRR          float64
}

// Query is the outcome of one query that has relevant rows.
type Query struct {
	Row      int  // of the query set
	Relevant int  // R, the gallery rows of its label
	First    int  // rank of the nearest relevant row, behind all others at its distance; 1 is a hit
	Tied     bool // a relevant row is exactly as far as another one, so that their order is open
	Retrieval
}

// Class is the means over one class's queries.
type Class struct {
	Label   int
	Queries int
	Retrieval
}

// measure turns the tiers of a query's relevant rows, of which there is one at least,
// into its figures, depth being how many neighbours are looked at. Within a tier every
// order is as likely as any other, and every figure is its expectation.
func measure(ranking []tier, depth int, recallAt []int, recall []float64) Retrieval {
	relevant := relevantRows(ranking)
	for i, k := range recallAt {
		recall[i] = ranking[0].hitWithin(k)
	}
	m := Retrieval{Recall: recall, PrecisionAt1: ranking[0].hitWithin(1)}
	r, found := min(relevant, depth), 0
	for _, t := range ranking {
		m.MAP += t.precisions(found, depth)
		m.MAPAtR += t.precisions(found, min(relevant, depth))
		m.RPrecision += float64(t.within(r)) * float64(t.relevant) / float64(t.rows)
		found += int(t.relevant)
	}
	m.RPrecision /= float64(r)
	m.MAPAtR /= float64(relevant)
	m.MAP /= float64(relevant)
	m.MRR = ranking[0].reciprocalRank(depth)
	return m
}

func relevantRows(ranking []tier) int {
	n := 0
	for _, t := range ranking {
		n += int(t.relevant)
	}
	return n
}

// within is the number of the tier's places among the first k of the ranking.
func (t tier) within(k int) int { return max(0, min(k-int(t.before), int(t.rows))) }

// hitWithin is the chance that a relevant row of the tier is among the first k of the
// ranking: 1 − C(n−r, j)/C(n, j) with r relevant of n rows and j places within k.
func (t tier) hitWithin(k int) float64 {
	j := t.within(k)
	miss := 1.0
	for i := range j {
		if miss *= float64(int(t.rows-t.relevant)-i) / float64(int(t.rows)-i); miss <= 0 {
			return 1
		}
	}
	return 1 - miss
}

// precisions is the expected sum of the precisions at the tier's relevant rows among the
// first k of the ranking, found being the relevant rows of the tiers before:
//
//	Σ r/n · (found + 1 + (i−1)(r−1)/(n−1)) / (before + i)  over the places i = 1 … n within k
//
// F. McSherry and M. Najork, "Computing Information Retrieval Performance Measures
// Efficiently in the Presence of Tied Scores", ECIR 2008.
func (t tier) precisions(found, k int) float64 {
	sum, others := 0.0, 0.0
	if t.rows > 1 {
		others = float64(t.relevant-1) / float64(t.rows-1)
	}
	for i := range t.within(k) {
		sum += (float64(found+1) + float64(i)*others) / float64(int(t.before)+i+1)
	}
	return sum * float64(t.relevant) / float64(t.rows)
}

// reciprocalRank is the expected 1/ρ of the tier's first relevant row, 0 for a rank
// above depth.
func (t tier) reciprocalRank(depth int) float64 {
	sum, none := 0.0, 1.0 // none: the chance that no row so far was relevant
	for i := range t.within(depth) {
		hit := float64(t.relevant) / float64(int(t.rows)-i) // given that none was
		if hit >= 1 {
			return sum + none/float64(int(t.before)+i+1)
		}
		sum += none * hit / float64(int(t.before)+i+1)
		none *= 1 - hit
	}
	return sum
}

// tied reports whether the order of rows at one distance changes what is seen within
// depth.
func tied(ranking []tier, depth int) bool {
	return slices.ContainsFunc(ranking, func(t tier) bool { return t.open() && int(t.before) < depth })
}

// add and scale make sums and means.
func (r *Retrieval) add(o Retrieval) {
	for i, v := range o.Recall {
		r.Recall[i] += v
	}
	r.PrecisionAt1 += o.PrecisionAt1
	r.RPrecision += o.RPrecision
	r.MAPAtR += o.MAPAtR
	r.MAP += o.MAP
	r.MRR += o.MRR
}

func (r *Retrieval) divide(n int) {
	for i := range r.Recall {
		r.Recall[i] /= float64(n)
	}
	r.PrecisionAt1 /= float64(n)
	r.RPrecision /= float64(n)
	r.MAPAtR /= float64(n)
	r.MAP /= float64(n)
	r.MRR /= float64(n)
}
