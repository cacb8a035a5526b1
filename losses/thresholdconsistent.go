package losses

import (
	"cmp"

	"medusa/graph"
	"medusa/miners"
	"medusa/pairs"
)

// ThresholdConsistentMargin keeps hard pairs on their sides of two margins that are the same for
// all classes, so that one threshold serves all of them:
//
//	L = λ⁺ · mean over hard P of (m⁺ − s_ij)  +  λ⁻ · mean over hard N of (s_ij − m⁻)
//
// where s is the similarity, a positive pair is hard if s < m⁺, the PosMargin, a negative pair if
// s > m⁻, the NegMargin, and λ⁺, λ⁻ are PosWeight and NegWeight. A mean over no pairs is 0. It is
// meant to stand beside another loss: triplet + threshold-consistent-margin.
//
// With a distance d in place of s the terms are [d − m⁺]₊ and [m⁻ − d]₊. Terms are "pos" and
// "neg", those of pairs that are not hard being 0.
//
// Q. Zhang, L. Xu, Q. Tang, J. Fang, Y. N. Wu, J. Tighe and Y. Xing, "Threshold-Consistent Margin
// Loss for Open-World Deep Metric Learning", ICLR 2024.
type ThresholdConsistentMargin struct {
	PosMargin float64       `doc:"m⁺, similarity up to which a positive pair is hard" min:"-10" max:"1e3"`
	NegMargin float64       `doc:"m⁻, similarity from which on a negative pair is hard" min:"-10" max:"1e3"`
	PosWeight float64       `doc:"λ⁺, weight of the positive pairs" min:"0" max:"1e6"`
	NegWeight float64       `doc:"λ⁻, weight of the negative pairs" min:"0" max:"1e6"`
	Metric    pairs.Metric  `name:"distance" doc:"how embeddings are compared; margins are in its units" none:"cosine"`
	Miner     miners.Miner  `doc:"which pairs count" none:"all"`
	Reducer   pairs.Reducer `doc:"how terms become one number" none:"non-zero"`
}

var defaultThresholdConsistentMargin = ThresholdConsistentMargin{PosMargin: 0.9, NegMargin: 0.5, PosWeight: 1, NegWeight: 1, Metric: pairs.Cosine{}, Reducer: pairs.NonZero{}}

func init() {
	Register("threshold-consistent-margin", "hard pairs kept on their sides of margins that all classes share; beside another loss (Zhang 2024)", defaultThresholdConsistentMargin)
}

var _ Termed = ThresholdConsistentMargin{}

// Loss returns a scalar.
func (l ThresholdConsistentMargin) Loss(b pairs.Batch) graph.Expr {
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultThresholdConsistentMargin.Reducer))
}

// Terms are those of positive and of negative pairs.
func (l ThresholdConsistentMargin) Terms(b pairs.Batch) pairs.Terms {
	if err := check("threshold-consistent-margin", l); err != nil {
		return failed(err)
	}
	m := cmp.Or(l.Metric, defaultThresholdConsistentMargin.Metric)
	if m.Similarity() { // as the distance has its sign turned
		l.PosMargin, l.NegMargin = -l.PosMargin, -l.NegMargin
	}
	c := compare(b, l.Miner, m)
	pull := c.D.Hinge(l.PosWeight, -l.PosWeight*l.PosMargin) // (B, M)
	push := c.D.Hinge(-l.NegWeight, l.NegWeight*l.NegMargin)
	return pairs.Terms{c.Term("pos", c.Pos, pull), c.Term("neg", c.Neg, push)}
}

// Validate says what fields do not go together.
func (l ThresholdConsistentMargin) Validate() error {
	return notBelow0(cmp.Or(l.Metric, defaultThresholdConsistentMargin.Metric).Similarity(), margin{"pos-margin", l.PosMargin}, margin{"neg-margin", l.NegMargin})
}
