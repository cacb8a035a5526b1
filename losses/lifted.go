package losses

import (
	"cmp"

	"medusa/graph"
	"medusa/internal/catalog"
	"medusa/miners"
	"medusa/pairs"
)

// LiftedStructure lets every positive pair of the batch face all negatives of its two
// ends at once. The Smooth form is, over the ordered positive pairs P,
//
//	L = 1/(2|P|) Σ over (i,j) in P of [J_ij]₊²
//	J_ij = (1/s)·ln( Σ over n of e^{s(α − D_in)} + Σ over n of e^{s(α − D_jn)} ) + D_ij − β
//
// where n goes over the negatives of i or j, α is the Margin, β the PosMargin and s the
// Sharpness. With s = 1 and β = 0 it is the paper's smooth upper bound (eq. 4), and as s
// grows it tends to the MaxMargin form (eq. 3),
//
//	J_ij = max( max over n of α − D_in, max over n of α − D_jn ) + D_ij − β.
//
// The Generalized form (Hermans et al.) goes over the B anchors i,
//
//	L = (1/B) Σ over i of [ (1/s)·ln Σ over p of e^{s(D_ip − β)} + (1/s)·ln Σ over n of e^{s(α − D_in)} ]₊
//
// where a sum over nothing counts 0 after the logarithm, as pytorch-metric-learning has
// it. A positive pair without any negative has no term; no positive pair gives 0. With a
// reference set n goes over its rows for i, and over those of the batch for j.
//
// The papers take D of raw embeddings, α = 1 and s = 1. On normalised embeddings, where
// D ≤ 2, the weights e^{−D} of the hardest and the easiest negative differ by e² at most:
// the sum pushes all alike, and hardly learns. So the default is sharper; the paper's
// settings are Margin 1, Sharpness 1, Metric pairs.LP{Raw: true}, pytorch-metric-learning's
// the same without Raw.
//
// HardNegatives keeps, of each anchor's negatives, that many nearest ones. The paper draws
// a batch as random positive pairs and adds hard negatives of their ends; in a batch of
// P×K this option draws them from what the batch holds. It needs no random number and so
// repeats exactly.
//
// With a similarity s_ij in place of D_ij, −s_ij takes its part and α, β their signs:
// the terms are s_in − α and β − s_ij.
//
// H. O. Song, Y. Xiang, S. Jegelka and S. Savarese, "Deep Metric Learning via Lifted
// Structured Feature Embedding", CVPR 2016. A. Hermans, L. Beyer and B. Leibe, "In Defense
// of the Triplet Loss for Person Re-Identification", arXiv 1703.07737, 2017.
type LiftedStructure struct {
	Form          Form          `doc:"smooth bound (eq. 4), max-margin (eq. 3), or generalized (Hermans 2017)" choices:"smooth,max-margin,generalized" unset:"smooth"`
	Margin        float64       `doc:"α, in units of distance; the paper has 1" min:"-10" max:"1e3"`
	PosMargin     float64       `doc:"β, taken off a positive pair's distance" min:"-10" max:"1e3"`
	Sharpness     float64       `doc:"s of the smooth maximum, in units of 1/distance; the paper has 1; none in the max-margin form" min:"1e-3" max:"1e6"`
	HardNegatives int           `doc:"negatives that each anchor keeps, the nearest; 0: all" min:"0" max:"1e6"`
	Metric        pairs.Metric  `name:"distance" doc:"how embeddings are compared; margins are in its units" none:"lp"`
	Miner         miners.Miner  `doc:"which pairs count" none:"all"`
	Reducer       pairs.Reducer `doc:"how terms become one number" none:"mean"`
}

// The forms of LiftedStructure.
const (
	Smooth      Form = "smooth"
	MaxMargin   Form = "max-margin"
	Generalized Form = "generalized"
)

var defaultLifted = LiftedStructure{Form: Smooth, Margin: 0.5, Sharpness: 16, Metric: pairs.LP{}, Reducer: pairs.Mean{}}

func init() {
	kinds.Add("lifted", "lifted structure: each positive pair against all negatives of its ends (Song 2016)", defaultLifted, catalog.Upgrade(upgradeLifted))
}

var _ Termed = LiftedStructure{}

// Loss returns a scalar.
func (l LiftedStructure) Loss(b pairs.Batch) graph.Expr {
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultLifted.Reducer))
}

// Terms are those of positive pairs or, in the Generalized form, of anchors.
func (l LiftedStructure) Terms(b pairs.Batch) pairs.Terms {
	if err := check("lifted", l); err != nil {
		return failed(err)
	}
	m := cmp.Or(l.Metric, defaultLifted.Metric)
	if m.Similarity() { // as the distance has its sign turned
		l.Margin, l.PosMargin = -l.Margin, -l.PosMargin
	}
	c := compare(b, l.Miner, m)
	if l.Form == Generalized {
		return pairs.Terms{l.anchors(b, c.Once())}
	}
	return pairs.Terms{l.pairs(c)}
}

// anchors has one term of each anchor.
func (l LiftedStructure) anchors(b pairs.Batch, c pairs.Compared) pairs.Term {
	pull, push := c.D.Plus(-l.PosMargin), c.D.Neg().Plus(l.Margin)         // (B, M)
	j := l.softMax(c, c.Pos, pull).Add(l.softMax(c, l.negatives(c), push)) // (B, 1)
	return b.Rows("loss", j.Relu())
}

// softMax is (1/s)·ln Σ e^{s·x} of each row over the pairs, 0 of none, (B, 1).
func (l LiftedStructure) softMax(c pairs.Compared, of, x graph.Expr) graph.Expr {
	return c.RowLogSumExp(of, x.Scale(l.Sharpness), 0).Scale(1 / l.Sharpness)
}

// negatives are the negative pairs of each anchor, or the nearest of them.
func (l LiftedStructure) negatives(c pairs.Compared) graph.Expr {
	if l.HardNegatives > 0 {
		return graph.RowNearestK(c.Neg, c.D, l.HardNegatives)
	}
	return c.Neg
}

// pairs has one term of each positive pair of which an end has a negative.
func (l LiftedStructure) pairs(c pairs.Compared) pairs.Term {
	pull := c.D.Plus(-l.PosMargin) // (B, M)
	end, some := l.end(c)          // (B, 1)
	if c.Plain {                   // the ends of a positive pair have both a negative or none
		return c.Term("loss", c.Pos, halfSquare(l.join(end, end.T()).Add(pull))).Where(some)
	}
	other, others := l.end(c.Turned()) // (M, 1)
	other, others = other.T(), others.T()
	both := some.Mul(others)                         // (B, M)
	one := graph.Where(both, l.join(end, other), 0). // what both ends push with,
								Add(graph.Where(some.Sub(both), end.Add(others.Scale(0)), 0)).  // or the row's alone,
								Add(graph.Where(others.Sub(both), other.Add(some.Scale(0)), 0)) // or the column's
	return c.Term("loss", c.Pos.Mul(some.Max(others)), halfSquare(one.Add(pull)))
}

// halfSquare is ½[j]₊².
func halfSquare(j graph.Expr) graph.Expr { return j.Relu().Square().Scale(0.5) }

// end is what the negatives of each row push with, and the mask of rows that have one, both
// (B, 1).
func (l LiftedStructure) end(c pairs.Compared) (end, some graph.Expr) {
	push := c.D.Neg().Plus(l.Margin) // (B, M)
	if l.Form == MaxMargin {
		return graph.RowMaxOf(l.negatives(c), push)
	}
	end, some = c.RowLogSumExpOf(l.negatives(c), push.Scale(l.Sharpness))
	return end.Scale(1 / l.Sharpness), some
}

// join joins the negatives of the two ends of pairs: (B, M) of x (B, 1) and y (1, M).
func (l LiftedStructure) join(x, y graph.Expr) graph.Expr {
	if l.Form == MaxMargin {
		return x.Max(y)
	}
	// ln(eˣ + eʸ) = x + ln(1 + e^{y−x}), here of s·x and s·y
	return x.Add(y.Sub(x).Scale(l.Sharpness).Softplus().Scale(1 / l.Sharpness))
}

// Validate says what fields do not go together.
func (l LiftedStructure) Validate() error {
	return notBelow0(cmp.Or(l.Metric, defaultLifted.Metric).Similarity(), margin{"margin", l.Margin}, margin{"pos-margin", l.PosMargin})
}
