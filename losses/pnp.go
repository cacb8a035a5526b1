package losses

import (
	"cmp"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/miners"
	"medusa/pairs"
)

// PNP penalises negatives that an anchor ranks before its positives. Over the anchors a that have a
// positive,
//
//	L = mean over a of (1/|P|) Σ over p in P of f(R_p),   R_p = Σ over n in N of 1/(1 + e^{(s_ap − s_an)/τ})
//
// where s is the similarity, P and N are the positives and negatives of a, τ is the Temperature,
// and R_p is about the number of negatives before p. The Variant is f:
//
//	O    R
//	Iu   (1 + R)·ln(1 + R)
//	Ib   (b·R − ln(1 + b·R)) / b²
//	Ds   ln(1 + R)
//	Dq   1 − 1/(1 + R)^α
//
// The slopes of Iu and Ib grow with R, that of Ib up to 1/b: they look at the worst positives.
// Those of Ds and Dq fall: they leave alone what is hopeless.
//
// With Self the anchor counts among its own positives, if it has others, as in the authors' code and
// in pytorch-metric-learning. With a distance d in place of s, s_ap − s_an stands for d_an − d_ap. It takes time in proportion to
// B·|P|·B, and O(B²) memory.
//
// Z. Li, W. Min, J. Song, Y. Zhu, L. Kang, X. Wei, X. Wei and S. Jiang, "Rethinking the Optimization
// of Average Precision: Only Penalizing Negative Instances before Positive Ones Is Enough",
// AAAI 2022.
type PNP struct {
	Variant     PNPVariant    `doc:"f, what a positive costs with R negatives before it" choices:"O,Iu,Ib,Ds,Dq" unset:"O"`
	Temperature float64       `doc:"τ, how far apart in similarity two pairs are surely in order" min:"1e-6" max:"1e6"`
	Alpha       float64       `doc:"α of Dq" above:"0" max:"1e3" unset:"1"`
	B           float64       `doc:"b of Ib" above:"0" max:"1e3" unset:"2"`
	Self        bool          `doc:"the anchor counts among its own positives; not with a reference set or a miner"`
	Metric      pairs.Metric  `name:"distance" doc:"how embeddings are compared; the temperature is in its units" none:"cosine"`
	Miner       miners.Miner  `doc:"which pairs are ranked" none:"all"`
	Reducer     pairs.Reducer `doc:"how the anchors' terms become one number" none:"mean"`
}

// PNPVariant names what a positive costs that PNP finds negatives before.
type PNPVariant string

// The variants of PNP.
const (
	PNPO  PNPVariant = "O"
	PNPIu PNPVariant = "Iu"
	PNPIb PNPVariant = "Ib"
	PNPDs PNPVariant = "Ds"
	PNPDq PNPVariant = "Dq"
)

var defaultPNP = PNP{Variant: PNPO, Temperature: 0.01, Metric: pairs.Cosine{}, Reducer: pairs.Mean{}}

func init() {
	Register("pnp", "negatives that are ranked before positives (Li 2022)", defaultPNP)
}

var _ Termed = PNP{}

// Loss returns a scalar.
func (l PNP) Loss(b pairs.Batch) graph.Expr {
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultPNP.Reducer))
}

// Terms are those of anchors that have a positive. None is ever 0: anchors are active of which a
// negative is nearer than a positive.
func (l PNP) Terms(b pairs.Batch) pairs.Terms {
	if err := check("pnp", l); err != nil {
		return failed(err)
	}
	c, err := neighbours(b, l.Miner, cmp.Or(l.Metric, defaultPNP.Metric))
	if err != nil {
		return failed(err)
	}
	some, positives := graph.RowCount(c.Pos).Above(0), c.Pos
	if l.Self {
		if !c.Plain {
			return failed(errors.New("losses: pnp: self, with a reference set or a miner: no anchor is then among the rows that it is compared with; leave self out"))
		}
		positives = c.Pos.Add(graph.Identity(c.D, c.D.Shape()[0]))
	}
	cost := graph.RowMean(positives, l.cost(graph.SoftRanks(c.D, positives, c.Neg, l.Temperature)))
	return pairs.Terms{b.Rows("loss", cost).Where(some).WithActivity(func() (active, all graph.Expr) { return disorder(c) })}
}

// cost is f of R.
func (l PNP) cost(r graph.Expr) graph.Expr {
	switch l.Variant {
	case PNPIu:
		return r.Plus(1).Mul(r.Plus(1).Log())
	case PNPIb:
		b := cmp.Or(l.B, 2)
		return r.Scale(b).Sub(r.Affine(b, 1).Log()).Scale(1 / (b * b))
	case PNPDs:
		return r.Plus(1).Log()
	case PNPDq:
		return r.Plus(1).Log().Scale(-cmp.Or(l.Alpha, 1)).Exp().Not()
	}
	return r
}

// Validate says what fields do not go together.
func (l PNP) Validate() error {
	switch {
	case l.Alpha != 0 && l.Variant != PNPDq:
		return errors.Errorf("alpha is of the variant %s alone: leave it out", PNPDq)
	case l.B != 0 && l.Variant != PNPIb:
		return errors.Errorf("b is of the variant %s alone: leave it out", PNPIb)
	}
	return nil
}
