package losses

import (
	"cmp"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// CentroidTriplet asks that an anchor be nearer to the centre of its class than to those of other
// classes, by Margin:
//
//	L = R over anchors a and other classes n of [d(x_a, c_a) − d(x_a, c_n) + m]₊
//
// where c_n is the mean of the batch's embeddings of class n, c_a that of the anchor's class without
// the anchor, m the Margin and R the Reducer. An anchor that is alone in its class has no term; its
// class is another one to the others. With Hardest only the nearest other class counts. Soft takes
// ln(1 + eᵛ) in place of [v]₊.
//
// The gradient flows through the centres, too. They are means of embeddings before the metric
// normalises anything. With a reference set centres are those of its classes. With a similarity s
// in place of d the terms are [s(x_a, c_n) − s(x_a, c_a) + m]₊.
//
// M. Wieczorek, B. Rychalska and J. Dąbrowski, "On the Unreasonable Effectiveness of Centroids in
// Image Retrieval", ICONIP 2021.
type CentroidTriplet struct {
	Margin  float64       `doc:"m, in units of distance" min:"0" max:"1e3"`
	Soft    bool          `doc:"softplus in place of the hinge; often with margin=0"`
	Hardest bool          `doc:"of the other classes only the nearest counts"`
	Metric  pairs.Metric  `name:"distance" doc:"how embeddings and centres are compared; the margin is in its units" none:"lp(power=2)"`
	Reducer pairs.Reducer `doc:"how terms become one number" none:"non-zero"`
}

var defaultCentroidTriplet = CentroidTriplet{Margin: 0.3, Metric: pairs.LP{Power: 2}, Reducer: pairs.NonZero{}}

func init() {
	Register("centroid-triplet", "an anchor is nearer to the centre of its class than to others' (Wieczorek 2021)", defaultCentroidTriplet)
}

var _ Termed = CentroidTriplet{}

// Loss returns a scalar.
func (l CentroidTriplet) Loss(b pairs.Batch) graph.Expr {
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultCentroidTriplet.Reducer))
}

// Terms are those of anchors with other classes.
func (l CentroidTriplet) Terms(b pairs.Batch) pairs.Terms {
	if err := check("centroid-triplet", l); err != nil {
		return failed(err)
	}
	if !b.Chosen.Whole() {
		return failed(errors.New("losses: centroid-triplet compares with centres of classes, not with rows that a miner could choose: leave the miner out"))
	}
	if err := b.Check(); err != nil {
		return failed(err)
	}
	m := cmp.Or(l.Metric, defaultCentroidTriplet.Metric)
	c, near, some := compareCentres(b, m) // (B, M), (B, 1), (B, 1)
	if err := near.Err(); err != nil {
		return failed(err)
	}
	if l.Hardest {
		far, others := graph.RowMinOf(c.Neg, c.D)
		return pairs.Terms{b.Rows("loss", l.term(near.Sub(far))).Where(some.Mul(others))}
	}
	return pairs.Terms{c.Term("loss", c.Neg, l.term(near.Sub(c.D))).Where(some)}
}

func (l CentroidTriplet) term(difference graph.Expr) graph.Expr {
	if l.Soft {
		return difference.Plus(l.Margin).Softplus()
	}
	return difference.Hinge(1, l.Margin)
}

// compareCentres compares the batch with the centres of the classes of its reference set, or of itself.
// Each row of the reference set has a column, that of its class's centre; the masks hold one column of
// each class. near is the distance of each anchor from the centre of its own class without the anchor,
// and some is the mask of the anchors that have one.
func compareCentres(b pairs.Batch, m pairs.Metric) (c pairs.Compared, near, some graph.Expr) {
	rows, labels := b.X, b.Labels
	if b.HasReference() {
		rows, labels = b.Ref, b.RefLabels
	}
	same, _ := graph.PairMasksBetween(labels, labels)                                       // (M, M), with each row itself
	number := same.SumAxis(1)                                                               // (M, 1)
	sum := same.MatMul(rows)                                                                // (M, E)
	first := graph.RowFarthest(same, same.Constant(1, same.Shape()...)).SumAxis(0).Above(0) // (1, M)
	centred := pairs.Batch{X: b.X, Labels: b.Labels, Ref: sum.Div(number), RefLabels: labels}
	pos, neg := graph.PairMasksBetween(b.Labels, labels)
	centred.Chosen = pairs.Selection{Pos: pos.Mul(first), Neg: neg.Mul(first)}
	c = centred.Compare(m)
	if b.HasReference() {
		return c, graph.RowSum(c.Pos, c.D), graph.RowCount(c.Pos).Above(0)
	}
	others := pairs.Batch{X: b.X, Labels: b.Labels, Ref: sum.Sub(rows).Div(number.Plus(-1).Max(number.Constant(1))), RefLabels: labels}
	return c, graph.RowSum(graph.Identity(b.X, b.X.Shape()[0]), others.Compare(m).D), number.Above(1)
}
