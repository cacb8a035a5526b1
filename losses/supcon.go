package losses

import (
	"cmp"
	"math"

	"medusa/graph"
	"medusa/miners"
	"medusa/pairs"
)

// SupCon is the supervised contrastive loss: each anchor's positives are to be likely among all
// other rows, on the average of their logarithms,
//
//	L = R over anchors i of −(1/|P(i)|) Σ over p of ln( e^{s_ip/τ} / Z_i )
//	Z_i = Σ over p of e^{s_ip/τ} + Σ over n of e^{s_in/τ}
//
// where s is the similarity, τ the Temperature, P(i) the positives p of i, n its negatives and R
// the Reducer (the paper's L_out). The term of an anchor without a positive is 0, which the
// default Reducer, the mean of terms above 0, leaves out. A pair that a miner chose several times
// counts once.
//
// With HardNegatives β > 0 a negative counts the more the nearer it is: in Z_i stands
//
//	|N(i)| · Σ over n of w_n·e^{s_in/τ},   w_n = e^{β·s_in/τ} / Σ over n of e^{β·s_in/τ}
//
// in place of the sum over negatives, which is that with β = 0. The gradient flows through the
// weights too. Labels tell that no negative is of the anchor's class, so there is nothing to
// debias.
//
// With a distance d in place of s it enters as −d.
//
// P. Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, eq. 2. J. Robinson,
// C.-Y. Chuang, S. Sra and S. Jegelka, "Contrastive Learning with Hard Negative Samples", ICLR
// 2021 (the weights, here with labels as in R. Jiang, T. Nguyen, P. Ishwar and S. Aeron,
// "Supervised Contrastive Learning with Hard Negative Samples", arXiv 2209.00078, 2022).
type SupCon struct {
	Temperature   float64       `doc:"τ, in units of similarity" min:"1e-4" max:"1e4"`
	HardNegatives float64       `doc:"β, how much nearer negatives count more; 0: all count alike" min:"0" max:"1e3"`
	Metric        pairs.Metric  `name:"distance" doc:"how embeddings are compared" none:"cosine"`
	Miner         miners.Miner  `doc:"which pairs count" none:"all"`
	Reducer       pairs.Reducer `doc:"how the anchors' terms become one number" none:"non-zero"`
}

var defaultSupCon = SupCon{Temperature: 0.1, Metric: pairs.Cosine{}, Reducer: pairs.NonZero{}}

func init() {
	Register("supcon", "supervised contrastive: an anchor's positives among all others, by softmax (Khosla 2020)", defaultSupCon)
}

var _ Termed = SupCon{}

// Loss returns a scalar.
func (l SupCon) Loss(b pairs.Batch) graph.Expr {
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultSupCon.Reducer))
}

// Terms are those of anchors, which all always teach.
func (l SupCon) Terms(b pairs.Batch) pairs.Terms {
	if err := check("supcon", l); err != nil {
		return failed(err)
	}
	c := compare(b, l.Miner, cmp.Or(l.Metric, defaultSupCon.Metric)).Once()
	near := c.D.Scale(-1 / l.Temperature)            // (B, M)
	positives, some := c.RowLogSumExpOf(c.Pos, near) // (B, 1)
	// Of ln(eᵖ + eⁿ) = p + ln(1 + e^{n−p}), p goes first with the mean: of one positive nothing is
	// left then, and the term keeps its digits, however small it is.
	terms := positives.Sub(rowMean(c, c.Pos, near)).Add(l.negatives(c, near).Sub(positives).Softplus())
	terms = graph.Where(some, terms, 0)
	return pairs.Terms{b.Rows("loss", terms).NeverIdle()}
}

// negatives is the logarithm of what the negatives of each anchor add to Z, (B, 1), −∞ of none.
func (l SupCon) negatives(c pairs.Compared, near graph.Expr) graph.Expr {
	if l.HardNegatives == 0 {
		return c.RowLogSumExp(c.Neg, near, math.Inf(-1))
	}
	weighted, some := c.RowLogSumExpOf(c.Neg, near.Scale(1+l.HardNegatives))
	weights := c.RowLogSumExp(c.Neg, near.Scale(l.HardNegatives), 0)
	_, count := c.Term("", c.Neg, near).Sums()
	return graph.Where(some, weighted.Sub(weights).Add(graph.Where(some, count, 1).Log()), math.Inf(-1))
}

// rowMean is the mean of each row of x (B, M) over the pairs, (B, 1), 0 of none.
func rowMean(c pairs.Compared, of, x graph.Expr) graph.Expr {
	sum, count := c.Term("", of, x).Sums()
	return sum.Div(count.Add(count.Is(0)))
}
