package losses

import (
	"cmp"
	"math"

	"medusa/graph"
	"medusa/miners"
	"medusa/pairs"
)

// TupletMargin asks that the angle between an anchor and a positive be smaller than those between
// the anchor and all its negatives, by a slack:
//
//	L = R over positive pairs (a,p) of ln( 1 + Σ over n of e^{s·(cos θ_an − cos(θ_ap − β))} )
//
// where θ is the angle between embeddings, n goes over the negatives of a, s is the Scale, β the
// Margin and R the Reducer. A pair nearer than β is at its ease, and is let go to β. An anchor
// without a negative has terms of 0. Where points coincide, or are opposite, the sine of their
// angle has no derivative, and 0 stands for it.
//
// The paper adds the variance within pairs: tuplet-margin + intra-pair-variance.
//
// B. Yu and D. Tao, "Deep Metric Learning With Tuplet Margin Loss", ICCV 2019.
type TupletMargin struct {
	Margin  float64       `doc:"β, in degrees; the paper's 0.1 radians are 5.73" min:"0" max:"180"`
	Scale   float64       `doc:"s, what cosines are multiplied with" min:"1e-3" max:"1e4"`
	Miner   miners.Miner  `doc:"which pairs count" none:"all"`
	Reducer pairs.Reducer `doc:"how terms become one number" none:"mean"`
}

var defaultTupletMargin = TupletMargin{Margin: 5.73, Scale: 64, Reducer: pairs.Mean{}}

func init() {
	Register("tuplet-margin", "a positive against all the anchor's negatives, with a slack of the angle (Yu 2019)", defaultTupletMargin)
}

var _ Termed = TupletMargin{}

// Loss returns a scalar.
func (l TupletMargin) Loss(b pairs.Batch) graph.Expr {
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultTupletMargin.Reducer))
}

// Terms are those of positive pairs, which all always teach.
func (l TupletMargin) Terms(b pairs.Batch) pairs.Terms {
	if err := check("tuplet-margin", l); err != nil {
		return failed(err)
	}
	c := compare(b, l.Miner, pairs.Cosine{})
	slack := l.Margin * math.Pi / 180
	// cos(θ − β) = cos θ·cos β + sin θ·sin β, of D = −cos θ
	pull := c.D.Scale(-math.Cos(slack)).Add(c.D.Square().Not().Sqrt().Scale(math.Sin(slack))).Scale(l.Scale) // (B, M)
	return pairs.Terms{c.Term("loss", c.Pos, againstNegatives(c, pull, c.D.Scale(-l.Scale))).NeverIdle()}
}
