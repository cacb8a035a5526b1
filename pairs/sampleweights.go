package pairs

import "medusa/graph"

// SampleWeights say how often each row of the batch is in a pair or triplet that its selection
// holds, over the largest such number, (B, 1): for a loss of samples, not of pairs, to which a
// miner's choice is a weight of the samples. Where the selection holds none, each row weighs 1. It
// is false for a batch without a selection.
//
// A row counts in every place, as anchor, positive or negative; or, with anchors, as the anchor
// alone, for a loss that compares with something else than the batch's rows.
func (b Batch) SampleWeights(anchors bool) (weights graph.Expr, some bool) {
	if b.Chosen.Whole() {
		return weights, false
	}
	m := b.Metric
	if m == nil {
		m = LP{}
	}
	c := b.Compare(m)
	if err := c.D.Err(); err != nil {
		return graph.Fail(err), true
	}
	n := c.Pos.SumAxis(1) // (B, 1)
	if triplets := b.Chosen.Single || given(b.Chosen.Window.D); !triplets || !anchors {
		n = n.Add(b.others(c, triplets, anchors))
	}
	n = n.Detach()
	largest, _ := graph.RowMaxOf(n.Constant(1, 1, n.Shape()[0]), n.T()) // (1, 1)
	none := largest.Is(0)
	return n.Add(none).Div(largest.Add(none)), true
}

// others are the numbers (B, 1) of places of each row that are not the anchor's of a positive pair;
// a triplet has its anchor once.
func (b Batch) others(c Compared, triplets, anchors bool) graph.Expr {
	if anchors {
		return c.Neg.SumAxis(1)
	}
	n := c.Pos.SumAxis(0).Add(c.Neg.SumAxis(0)).T() // (B, 1), as a column
	if triplets {
		return n
	}
	return n.Add(c.Neg.SumAxis(1))
}
