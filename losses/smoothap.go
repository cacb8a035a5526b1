package losses

import (
	"cmp"

	"medusa/graph"
	"medusa/miners"
	"medusa/pairs"
)

// SmoothAP is one less the average precision of each anchor's ranking of the batch, with a
// logistic function in place of the steps by which ranks count. Over the anchors a that have a
// positive,
//
//	L = mean over a of 1 − (1/|P|) Σ over i in P of (1 + Σ over j ≠ i in P of G_ij) / (1 + Σ over j ≠ i in P ∪ N of G_ij)
//	G_ij = 1/(1 + e^{(s_ai − s_aj)/τ})
//
// where s is the similarity, P and N are the positives and negatives of a, and τ is the
// Temperature. The anchor is none of its own positives. With a distance d in place of s,
// s_ai − s_aj stands for d_aj − d_ai.
//
// A small τ makes the loss a close bound, and leaves a gradient only to pairs that are nearly
// level. It takes time in proportion to B·|P|·B, and O(B²) memory.
//
// A. Brown, W. Xie, V. Kalogeiton and A. Zisserman, "Smooth-AP: Smoothing the Path Towards
// Large-Scale Image Retrieval", ECCV 2020.
type SmoothAP struct {
	Temperature float64       `doc:"τ, how far apart in similarity two pairs are surely in order" min:"1e-6" max:"1e6"`
	Metric      pairs.Metric  `name:"distance" doc:"how embeddings are compared; the temperature is in its units" none:"cosine"`
	Miner       miners.Miner  `doc:"which pairs are ranked" none:"all"`
	Reducer     pairs.Reducer `doc:"how the anchors' terms become one number" none:"mean"`
}

var defaultSmoothAP = SmoothAP{Temperature: 0.01, Metric: pairs.Cosine{}, Reducer: pairs.Mean{}}

func init() {
	Register("smooth-ap", "average precision of each anchor's ranking, made smooth (Brown 2020)", defaultSmoothAP)
}

var _ Termed = SmoothAP{}

// Loss returns a scalar.
func (l SmoothAP) Loss(b pairs.Batch) graph.Expr {
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultSmoothAP.Reducer))
}

// Terms are those of anchors that have a positive. None is ever 0: anchors are active of which a
// negative is nearer than a positive.
func (l SmoothAP) Terms(b pairs.Batch) pairs.Terms {
	if err := check("smooth-ap", l); err != nil {
		return failed(err)
	}
	c, err := neighbours(b, l.Miner, cmp.Or(l.Metric, defaultSmoothAP.Metric))
	if err != nil {
		return failed(err)
	}
	right := graph.SoftRanks(c.D, c.Pos, c.Pos, l.Temperature).Plus(1) // (B, M)
	wrong := graph.SoftRanks(c.D, c.Pos, c.Neg, l.Temperature)
	precision, some := graph.RowMean(c.Pos, right.Div(right.Add(wrong))), graph.RowCount(c.Pos).Above(0)
	return pairs.Terms{b.Rows("loss", precision.Not()).Where(some).WithActivity(func() (active, all graph.Expr) { return disorder(c) })}
}
