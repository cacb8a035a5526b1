package pairs

import (
	"math"

	"medusa/graph"
)

// Compared is a batch whose rows were compared with those of its reference set.
type Compared struct {
	Labels   graph.Expr // (B), of the anchors
	D        graph.Expr // (B, M): distances; a similarity s enters as −s, so that smaller is nearer
	Pos, Neg graph.Expr // (B, M): what the selection holds of each positive and negative pair
	Hold     Hold       // whether Pos and Neg are masks, counts or weights
	// Plain reports that the batch is compared with itself and every pair counts, once: then D,
	// unless the metric is skew, Pos and Neg are symmetric.
	Plain bool

	batch  Batch
	metric Metric
}

// Compare compares the rows of the batch with those of its reference set and tells which pairs
// count. Triplets that were chosen make pairs, each of which counts as often as it is in a triplet.
// The first error is in D, Pos and Neg.
func (b Batch) Compare(m Metric) Compared {
	c := b.compare(m)
	chosen := b.Chosen
	switch {
	case c.D.Err() != nil:
		return c
	case given(chosen.Window.D) || given(chosen.Partners):
		t := graph.Triplets{Window: chosen.Window.over(), Partners: chosen.Partners, Weighted: c.Hold != Masks}
		d := c.D
		if given(chosen.Window.D) { // the loss's own distances do not matter to the count
			d = chosen.Window.D
		}
		c.Pos, c.Neg = t.PairCounts(d.Detach(), c.Pos, c.Neg)
		c.Hold, c.Plain = max(c.Hold, Counts), false
	case chosen.Single:
		c = c.both()
	}
	if chosen.Or != nil {
		return c.or(b)
	}
	return c
}

// or is c with what the selection chooses when c is empty.
func (c Compared) or(b Batch) Compared {
	b.Chosen = b.Chosen.or()
	other := b.Compare(c.metric)
	if err := other.D.Err(); err != nil {
		return c.fail(err)
	}
	c.Pos, c.Neg = c.Pos.Add(other.Pos), c.Neg.Add(other.Neg)
	c.Hold, c.Plain = max(c.Hold, other.Hold), false
	return c
}

// both is c without the pairs of anchors that have a positive alone, or a negative: they make no
// triplet.
func (c Compared) both() Compared {
	_, some := graph.RowMaxOf(c.Pos, c.D)
	_, others := graph.RowMinOf(c.Neg, c.D)
	none := c.D.Detach().Constant(math.Inf(-1), c.D.Shape()[0], 1)
	all := graph.Where(some.Mul(others), c.D.Detach().Constant(math.Inf(1), c.D.Shape()[0], 1), math.Inf(-1))
	c.Pos, c.Neg = graph.Within(c.Pos, c.D, none, all), graph.Within(c.Neg, c.D, none, all)
	return c
}

// compare is Compare without what triplets mean to pairs.
func (b Batch) compare(m Metric) (c Compared) {
	c = Compared{Labels: b.Labels, Hold: b.Chosen.Hold, Plain: !b.HasReference() && b.Chosen.Whole(), batch: b, metric: m}
	if err := b.Check(); err != nil {
		return c.fail(err)
	}
	if err := b.Chosen.check(b.size()); err != nil {
		return c.fail(err)
	}
	c.D = nearness(m, b.X, b.reference())
	c.Pos, c.Neg = b.labelled()
	if given(b.Chosen.Pos) {
		c.Pos = b.Chosen.Pos.Detach()
	}
	if given(b.Chosen.Neg) {
		c.Neg = b.Chosen.Neg.Detach()
	}
	if among := b.Chosen.Among.Detach(); given(b.Chosen.Among) {
		c.Pos, c.Neg = c.Pos.Mul(among), c.Neg.Mul(among)
	}
	return c
}

// Among are the distances (M, M) by m among the rows of the reference set or, if there is none,
// those of the batch.
func (b Batch) Among(m Metric) graph.Expr {
	if err := b.Check(); err != nil {
		return graph.Fail(err)
	}
	return nearness(m, b.reference(), b.reference())
}

// reference is what the rows are compared with.
func (b Batch) reference() graph.Expr {
	if b.HasReference() {
		return b.Ref
	}
	return b.X
}

// labelled are the masks of all pairs.
func (b Batch) labelled() (pos, neg graph.Expr) {
	if b.HasReference() {
		return graph.PairMasksBetween(b.Labels, b.RefLabels)
	}
	return graph.PairMasks(b.Labels)
}

// nearness is the metric with the sign of a distance.
func nearness(m Metric, x, y graph.Expr) graph.Expr {
	if m == nil {
		return graph.Fail(errNoMetric)
	}
	d := m.Between(x, y)
	if m.Similarity() {
		d = d.Neg()
	}
	return d
}

func (c Compared) fail(err error) Compared {
	c.D, c.Pos, c.Neg = graph.Fail(err), graph.Fail(err), graph.Fail(err)
	return c
}

// Turned is the batch seen from its reference set, whose rows are then the anchors: D, Pos and Neg
// are transposed, to (M, B). A batch compared with itself stays as it is.
func (c Compared) Turned() Compared {
	if c.D.Err() != nil || !c.batch.HasReference() {
		return c
	}
	c.D, c.Labels = c.D.T(), c.batch.RefLabels
	if c.batch.Chosen.Whole() {
		c.Pos, c.Neg = graph.PairMasksBetween(c.batch.RefLabels, c.batch.Labels)
	} else {
		c.Pos, c.Neg = c.Pos.T(), c.Neg.T()
	}
	return c
}

// Once is c where each pair that counts several times counts once.
func (c Compared) Once() Compared {
	if c.Hold == Counts && c.D.Err() == nil {
		c.Pos, c.Neg, c.Hold = c.Pos.Above(0), c.Neg.Above(0), Masks
	}
	return c
}

// RowLogSumExp is ln Σ w·eˣ of each row of x (B, M) over the pairs, (B, 1), where w is what
// Pos or Neg, which pairs is, holds of the pair; empty for a row without a pair.
func (c Compared) RowLogSumExp(pairs, x graph.Expr, empty float64) graph.Expr {
	return graph.RowLogSumExp(pairs, c.logWeighted(pairs, x), empty)
}

// RowLogSumExpOf is RowLogSumExp, 0 for a row without a pair, with the mask (B, 1) of the rows
// that have one.
func (c Compared) RowLogSumExpOf(pairs, x graph.Expr) (sum, some graph.Expr) {
	return graph.RowLogSumExpOf(pairs, c.logWeighted(pairs, x))
}

func (c Compared) logWeighted(pairs, x graph.Expr) graph.Expr {
	if c.Hold == Masks {
		return x
	}
	return x.Add(graph.Where(pairs, pairs, 1).Log()) // ln 1 where there is no pair
}
