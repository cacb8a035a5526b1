package losses

import (
	"cmp"

	"medusa/graph"
	"medusa/miners"
	"medusa/pairs"
)

// IntraPairVariance draws the similarities of positive pairs that lie below their mean up to it,
// and those of negative pairs above their mean down to it:
//
//	L = R over P of [(1 − ε_p)·μ_P − s_ij]₊²  +  R over N of [s_ij − (1 + ε_n)·μ_N]₊²
//
// where s is the similarity, P the positive and N the negative pairs, μ the mean similarity of
// either, ε_p is PosEps, ε_n NegEps and R the Reducer. It parts no classes by itself: the paper
// adds it to TupletMargin. The gradient flows through the means.
//
// With a distance d in place of s the terms are [d_ij − (1 + ε_p)·μ_P]₊² and
// [(1 − ε_n)·μ_N − d_ij]₊². Terms are "pos" and "neg".
//
// B. Yu and D. Tao, "Deep Metric Learning With Tuplet Margin Loss", ICCV 2019.
type IntraPairVariance struct {
	PosEps  float64       `doc:"ε of positive pairs, a share of their mean that costs nothing" min:"0" max:"1"`
	NegEps  float64       `doc:"ε of negative pairs, a share of their mean that costs nothing" min:"0" max:"1"`
	Metric  pairs.Metric  `name:"distance" doc:"how embeddings are compared" none:"cosine"`
	Miner   miners.Miner  `doc:"which pairs count" none:"all"`
	Reducer pairs.Reducer `doc:"how terms become one number" none:"mean"`
}

var defaultIntraPairVariance = IntraPairVariance{PosEps: 0.01, NegEps: 0.01, Metric: pairs.Cosine{}, Reducer: pairs.Mean{}}

func init() {
	Register("intra-pair-variance", "positive pairs drawn to their mean, and negative ones, beside another loss (Yu 2019)", defaultIntraPairVariance)
}

var _ Termed = IntraPairVariance{}

// Loss returns a scalar.
func (l IntraPairVariance) Loss(b pairs.Batch) graph.Expr {
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultIntraPairVariance.Reducer))
}

// Terms are those of positive and of negative pairs.
func (l IntraPairVariance) Terms(b pairs.Batch) pairs.Terms {
	if err := check("intra-pair-variance", l); err != nil {
		return failed(err)
	}
	m := cmp.Or(l.Metric, defaultIntraPairVariance.Metric)
	pos, neg := 1+l.PosEps, 1-l.NegEps
	if m.Similarity() { // as the distance has its sign turned
		pos, neg = 1-l.PosEps, 1+l.NegEps
	}
	c := compare(b, l.Miner, m)
	mean := func(of graph.Expr) graph.Expr { return pairs.Mean{}.Reduce(c.Term("", of, c.D)) }
	pull := c.D.Sub(mean(c.Pos).Scale(pos)).Relu().Square() // (B, M)
	push := mean(c.Neg).Scale(neg).Sub(c.D).Relu().Square()
	return pairs.Terms{c.Term("pos", c.Pos, pull), c.Term("neg", c.Neg, push)}
}
