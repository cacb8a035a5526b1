package metrics

// Retrieval is the retrieval figures of one query, or their means over several.
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
	Row      int // of the query set
	Relevant int // R, the gallery rows of its label
	First    int // rank of the nearest relevant row; 1 is a hit
	Retrieval
}

// Class is the means over one class's queries.
type Class struct {
	Label   int
	Queries int
	Retrieval
}

// measure turns the ranks of a query's relevant rows into its figures, depth being how
// many neighbours are looked at.
func measure(ranks []int32, depth int, recallAt []int, recall []float64) Retrieval {
	for i, k := range recallAt {
		recall[i] = indicator(int(ranks[0]) <= k)
	}
	r := min(len(ranks), depth)
	m := Retrieval{Recall: recall, PrecisionAt1: indicator(ranks[0] == 1)}
	for i, rank := range ranks {
		if int(rank) > depth {
			break
		}
		precision := float64(i+1) / float64(rank)
		m.MAP += precision
		if int(rank) <= r {
			m.RPrecision++
			m.MAPAtR += precision
		}
	}
	m.RPrecision /= float64(r)
	m.MAPAtR /= float64(len(ranks))
	m.MAP /= float64(len(ranks))
	if int(ranks[0]) <= depth {
		m.MRR = 1 / float64(ranks[0])
	}
	return m
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
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
