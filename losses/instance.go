package losses

import (
	"cmp"
	"math"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// Instance classifies each row by the rows of the batch, which stand for the weights of a
// classifier, itself among them:
//
//	L = R over i of −ln( Σ over j in own(i) of e^{γ·s_ij} / Σ over all j of e^{γ·s_ij} )
//
// where s is the similarity, γ is Gamma and R the Reducer. With the Target
//   - OwnClass, own(i) is the rows of the label of i: where a label names one instance, such as
//     a picture with its texts, it is the paper's class,
//   - OwnRow, own(i) is i alone: each row is an instance, and labels are not read,
//   - NumberedRow, own(i) is the k-th row of the batch, where the label of i is the k-th of
//     the batch's labels in order, from 0 on. So the authors' later code has it, and
//     pytorch-metric-learning; what that row is, is up to the order of the batch.
//
// With a reference set j goes over its rows; the target is then OwnClass. With a distance d in
// place of s it enters as −d. No miner chooses rows: each counts.
//
// A row is as similar to itself as it can be, so that where it is among its own it is found already, and is
// drawn to another row of its class by e^{−γ·(1 − s)} of the force: of cosines by nothing to speak of until
// 1 − s is about 1/γ. Hence the small default. The authors' code, which has one row as the target, and
// pytorch-metric-learning have γ = 64.
//
// Z. Zheng, L. Zheng, M. Garrett, Y. Yang, M. Xu and Y.-D. Shen, "Dual-Path Convolutional
// Image-Text Embeddings with Instance Loss", ACM TOMM 2020.
type Instance struct {
	Target  Target        `doc:"what a row is to be found as: a row of its label, itself, or the row numbered as its label" choices:"class,row,numbered-row" unset:"class"`
	Gamma   float64       `doc:"γ, what similarities are multiplied with" min:"1e-3" max:"1e4"`
	Metric  pairs.Metric  `name:"distance" doc:"how embeddings are compared" none:"cosine"`
	Reducer pairs.Reducer `doc:"how the rows' terms become one number" none:"mean"`
}

// Target is what Instance finds a row as.
type Target string

// The targets of Instance.
const (
	OwnClass    Target = "class"
	OwnRow      Target = "row"
	NumberedRow Target = "numbered-row"
)

var defaultInstance = Instance{Target: OwnClass, Gamma: 2, Metric: pairs.Cosine{}, Reducer: pairs.Mean{}}

func init() {
	Register("instance", "each row classified by the rows of the batch (Zheng 2020)", defaultInstance)
}

var _ Termed = Instance{}

// Loss returns a scalar.
func (l Instance) Loss(b pairs.Batch) graph.Expr {
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultInstance.Reducer))
}

// Terms are those of the rows, which all always teach.
func (l Instance) Terms(b pairs.Batch) pairs.Terms {
	if err := check("instance", l); err != nil {
		return failed(err)
	}
	if !b.Chosen.Whole() {
		return failed(errors.New("losses: the instance loss has no pairs to choose from: leave the miner out"))
	}
	if l.Target != OwnClass && l.Target != "" {
		if err := b.NoReference("the instance loss with the target " + string(l.Target)); err != nil {
			return failed(err)
		}
	}
	c := b.Compare(cmp.Or(l.Metric, defaultInstance.Metric))
	if err := c.D.Err(); err != nil {
		return failed(err)
	}
	return pairs.Terms{b.Rows("loss", l.terms(b, c.D)).NeverIdle()}
}

// terms are (B, 1), of distances d (B, M).
func (l Instance) terms(b pairs.Batch, d graph.Expr) graph.Expr {
	logits := d.Scale(-l.Gamma)
	number := graph.Iota(b.Labels, b.Labels.Shape()[0])
	var own, others, pull, some graph.Expr // (B, M), the row itself is its own; and (B, 1)
	switch l.Target {
	case NumberedRow, OwnRow:
		rows := number
		if l.Target == NumberedRow {
			rows = graph.LabelRanks(b.Labels)
		}
		own, others = graph.PairMasksBetween(rows, number)
		pull, some = graph.RowMaxOf(own, d) // of one entry
		pull = pull.Scale(-l.Gamma)
	default:
		columns := b.Labels
		if b.HasReference() {
			columns = b.RefLabels
		}
		own, others = graph.PairMasksBetween(b.Labels, columns)
		pull, some = graph.RowLogSumExpOf(own, logits)
	}
	terms := graph.RowLogSumExp(others, logits, math.Inf(-1)).Sub(pull).Softplus()
	return graph.Where(some, terms, 0) // with a reference set a row may have none
}
