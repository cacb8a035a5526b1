package losses

import (
	"cmp"

	"medusa/graph"
	"medusa/miners"
	"medusa/pairs"
)

// Histogram is the probability that a negative pair of the batch is more alike than a positive
// one, of histograms of their similarities:
//
//	L = Σ over r of h⁻(r) · Σ over q ≤ r of h⁺(q)
//
// where r and q go over the edges of Bins bins between Low and High, and h⁺ and h⁻ are the
// histograms of the similarities of all positive and all negative pairs, each adding up to 1. A
// pair counts at the two edges of its bin, the more at the nearer. Without a positive or a negative
// pair the loss is 0.
//
// The bins suit the metric: cosines lie between −1 and 1. With a distance in place of the
// similarity the loss is the probability that a negative pair is nearer.
//
// Since the sums go over the batch, there are no terms to reduce.
//
// E. Ustinova and V. Lempitsky, "Learning Deep Embeddings with Histogram Loss", NIPS 2016.
type Histogram struct {
	Bins   int          `doc:"number of bins" min:"1" max:"10000"`
	Low    float64      `doc:"similarity at which the bins begin" min:"-1e6" max:"1e6"`
	High   float64      `doc:"similarity at which the bins end" min:"-1e6" max:"1e6"`
	Metric pairs.Metric `name:"distance" doc:"how embeddings are compared" none:"cosine"`
	Miner  miners.Miner `doc:"which pairs count" none:"all"`
}

var defaultHistogram = Histogram{Bins: 100, Low: -1, High: 1, Metric: pairs.Cosine{}}

func init() {
	Register("histogram", "probability that a negative pair is more alike than a positive one (Ustinova 2016)", defaultHistogram)
}

// Loss returns a scalar.
func (l Histogram) Loss(b pairs.Batch) graph.Expr {
	if err := check("histogram", l); err != nil {
		return graph.Fail(err)
	}
	m := cmp.Or(l.Metric, defaultHistogram.Metric)
	low, high := l.Low, l.High
	if m.Similarity() { // as the distance has its sign turned
		low, high = -high, -low
	}
	c := compare(b, l.Miner, m)
	of := func(mask graph.Expr) graph.Expr { // (1, bins+1)
		h := graph.SoftHistogram(graph.RowBins(mask, c.D, low, high, l.Bins)).SumAxis(0)
		number := h.Detach().Sum()
		return h.Div(number.Add(number.Is(0)))
	}
	return of(c.Pos).Mul(cumulative(of(c.Neg))).Sum() // of a positive, the negatives that are nearer
}

// Validate says what fields do not go together.
func (l Histogram) Validate() error { return inOrder(l.Low, l.High) }
