package losses

import (
	"cmp"
	"math"

	"medusa/graph"
	"medusa/miners"
	"medusa/pairs"
)

// NCA makes it likely that an anchor, which draws a neighbour with a probability that falls with
// the distance, draws one of its own class:
//
//	p_i = Σ over positives p of e^{−s·d_ip} / Σ over all others j of e^{−s·d_ij}
//	L = R over i of −ln p_i      in the Log form,
//	L = R over i of 1 − p_i      in the Expected form
//
// where d is the distance, by default the squared Euclidean one of normalised embeddings, s the
// SoftmaxScale and R the Reducer. The Expected form is the share of wrong draws, the paper's first
// objective with its sign turned; Log is its second one. An anchor without a positive has no
// term. A miner says which pairs an anchor draws from.
//
// With MinerWeighs every pair counts, and what a miner chose weighs anchors instead: each
// term is multiplied by how often the anchor's row is in the chosen pairs, or triplets, over how
// often the most frequent row is, as pytorch-metric-learning has it.
//
// With a similarity s in place of d it enters as −d.
//
// J. Goldberger, S. Roweis, G. Hinton and R. Salakhutdinov, "Neighbourhood Components Analysis",
// NIPS 2004.
type NCA struct {
	Form         Form          `doc:"log: -ln of the probability of a right neighbour; expected: that of a wrong one" choices:"log,expected" unset:"log"`
	SoftmaxScale float64       `doc:"s, how sharp, in units of 1/distance" min:"1e-6" max:"1e6"`
	MinerWeighs  bool          `doc:"what a miner chooses weighs anchors by how often they are in it, and every pair counts"`
	Metric       pairs.Metric  `name:"distance" doc:"how embeddings are compared" none:"squared Euclidean"`
	Miner        miners.Miner  `doc:"which pairs count" none:"all"`
	Reducer      pairs.Reducer `doc:"how the anchors' terms become one number" none:"mean"`
}

// The forms of NCA.
const (
	Log      Form = "log"
	Expected Form = "expected"
)

var defaultNCA = NCA{Form: Log, SoftmaxScale: 1, Metric: pairs.LP{Power: 2}, Reducer: pairs.Mean{}}

func init() {
	Register("nca", "the probability that a neighbour drawn by distance is of the anchor's class (Goldberger 2004)", defaultNCA)
}

var _ Termed = NCA{}

// Loss returns a scalar.
func (l NCA) Loss(b pairs.Batch) graph.Expr {
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultNCA.Reducer))
}

// Terms are those of anchors with a positive, which all always teach.
func (l NCA) Terms(b pairs.Batch) pairs.Terms {
	if err := check("nca", l); err != nil {
		return failed(err)
	}
	m := cmp.Or(l.Metric, defaultNCA.Metric)
	chosen := miners.Choose(l.Miner, b, m)
	all := chosen
	if l.MinerWeighs {
		all.Chosen = pairs.Selection{}
	}
	c := all.Compare(m)
	near := c.D.Scale(-l.SoftmaxScale)           // (B, M)
	right, some := c.RowLogSumExpOf(c.Pos, near) // (B, 1)
	odds := c.RowLogSumExp(c.Neg, near, math.Inf(-1)).Sub(right)
	terms := odds.Softplus() // −ln(1/(1 + e^odds))
	if l.Form == Expected {
		terms = odds.Sigmoid()
	}
	if l.MinerWeighs && !chosen.Chosen.Whole() {
		terms = terms.Mul(presence(chosen, m))
	}
	return pairs.Terms{b.Rows("loss", terms).Where(some).NeverIdle()}
}

// presence is how often each row of the batch is in the pairs or triplets that its selection
// leaves, over how often the most frequent one is, (B, 1); 1 for each if none is left. With a
// reference set it counts rows as anchors alone.
func presence(b pairs.Batch, m pairs.Metric) graph.Expr {
	c := b.Compare(m)
	if err := c.D.Err(); err != nil {
		return graph.Fail(err)
	}
	n := c.Pos.SumAxis(1)
	if triplets := b.Chosen.Single || b.Chosen.Window.D != (graph.Expr{}); !triplets {
		n = n.Add(c.Neg.SumAxis(1)) // else the anchor of a positive and of a negative is there once
	}
	if !b.HasReference() {
		n = n.Add(c.Pos.Add(c.Neg).SumAxis(0).T())
	}
	rows := n.Shape()[0]
	most := graph.RowMax(n.Constant(1, 1, rows), n.T(), 0) // (1, 1)
	none := most.Is(0)
	return n.Add(none).Div(most.Add(none))
}
