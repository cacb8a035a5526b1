package losses

import (
	"cmp"
	"math"

	"medusa/graph"
	"medusa/miners"
	"medusa/pairs"
)

// NPairs takes one positive pair (a_c, p_c) of each of the C classes that have one, and lets each
// anchor find its own positive among all of them:
//
//	L = R over c of −ln( e^{s(a_c, p_c)} / Σ over k of e^{s(a_c, p_k)} )  +  λ·R over c of ¼(‖a_c‖² + ‖p_c‖²)
//
// where s is the similarity, λ the L2 and R the Reducer (the paper's multi-class N-pair loss,
// N-pair-mc). Of a class with more than two rows the first row of the batch that has a positive
// is the anchor, and its first positive the positive: batches in random order draw the pair.
// With a reference set the positives are of its rows. A miner says which positive pairs there
// are; negatives are the other classes' positives, whatever it says.
//
// The lengths ‖·‖ are those of embeddings before they are normalised, if the network gives them;
// those of a reference set as it is. The paper takes products of embeddings that are not
// normalised and holds their lengths down by λ: a network that does not normalise, distance
// pairs.Dot{Raw: true} and L2 0.002. On normalised embeddings products lie within ±1, which parts
// many classes badly: SupCon and NTXent have a temperature for that.
//
// With a distance d in place of s it enters as −d. Terms are "loss" and, with λ, "l2".
//
// K. Sohn, "Improved Deep Metric Learning with Multi-class N-pair Loss Objective", NIPS 2016.
type NPairs struct {
	L2      float64       `doc:"λ, weight of the squared lengths of the pairs' embeddings" min:"0" max:"1e3"`
	Metric  pairs.Metric  `name:"distance" doc:"how embeddings are compared" none:"dot"`
	Miner   miners.Miner  `doc:"which positive pairs there are" none:"all"`
	Reducer pairs.Reducer `doc:"how the classes' terms become one number" none:"mean"`
}

var defaultNPairs = NPairs{Metric: pairs.Dot{}, Reducer: pairs.Mean{}}

func init() {
	Register("n-pairs", "one pair of each class, each anchor among all positives, by softmax (Sohn 2016)", defaultNPairs)
}

var _ Termed = NPairs{}

// Loss returns a scalar.
func (l NPairs) Loss(b pairs.Batch) graph.Expr {
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultNPairs.Reducer))
}

// Terms are those of the classes' anchors, which all always teach.
func (l NPairs) Terms(b pairs.Batch) pairs.Terms {
	if err := check("n-pairs", l); err != nil {
		return failed(err)
	}
	m := cmp.Or(l.Metric, defaultNPairs.Metric)
	chosen := miners.Choose(l.Miner, b, m)
	positives := chosen.Positives(m) // (B, M)
	if err := positives.Err(); err != nil {
		return failed(err)
	}
	partners := graph.LabelFirst(b.Labels, graph.RowFirst(positives)) // (B, 1), the positive of each anchor, −1 of other rows
	anchors := partners.Is(-1).Not()
	found := findPartners(chosen, m, positives, partners)
	terms := pairs.Terms{b.Rows("loss", found).Where(anchors).NeverIdle()}
	if l.L2 == 0 {
		return terms
	}
	x, y := squaredLengths(b)
	of := graph.Gather(y, partners.Relu().Reshape(b.Labels.Shape()[0]))
	lengths := x.Add(of).Scale(l.L2 / 4) // (B, 1)
	return append(terms, b.Rows("l2", lengths).Where(anchors).NeverIdle())
}

// findPartners are the terms (B, 1) of rows with partners (B, 1) among the positives (B, M).
func findPartners(b pairs.Batch, m pairs.Metric, positives, partners graph.Expr) graph.Expr {
	if x, y, ok := b.Factors(m); ok {
		return graph.PairedSoftmax(x, y, partners)
	}
	near := b.Compare(m).D.Neg()                           // (B, M)
	own := graph.At(positives, partners)                   // (B, M)
	others := own.SumAxis(0).Above(0).Add(own.Neg())       // (B, M), the other classes' positives
	push := graph.RowLogSumExp(others, near, math.Inf(-1)) // (B, 1)
	return push.Sub(graph.RowSum(own, near)).Softplus()
}

// squaredLengths are those of the rows of the batch, (B, 1), and of what they are compared with,
// (M, 1).
func squaredLengths(b pairs.Batch) (x, y graph.Expr) {
	of := func(rows graph.Expr) graph.Expr { return rows.Square().SumAxis(1) }
	x = of(b.X)
	if b.Raw != (graph.Expr{}) {
		x = of(b.Raw)
	}
	if b.HasReference() {
		return x, of(b.Ref)
	}
	return x, x
}
