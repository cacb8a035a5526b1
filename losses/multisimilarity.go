package losses

import (
	"cmp"
	"math"

	"medusa/graph"
	"medusa/internal/catalog"
	"medusa/miners"
	"medusa/pairs"
)

// MultiSimilarity weighs each pair by how it compares with the other pairs of its anchor.
// Over the B anchors i, with positives p and negatives n,
//
//	L = (1/B) Σ over i of [ (1/α)·ln(1 + Σ over p of e^{−α(s_ip − λ)}) + (1/β)·ln(1 + Σ over n of e^{β(s_in − λ)}) ]
//
// where s is the similarity, α is Alpha, β is Beta and λ the Base. The mining of the
// paper's eq. 11, which drops easy pairs before, is a miner's. A pair that a miner chose
// several times counts once.
//
// With a distance d in place of s the terms are α(d_ip − λ) and β(λ − d_in).
//
// X. Wang, X. Han, W. Huang, D. Dong and M. R. Scott, "Multi-Similarity Loss with General
// Pair Weighting for Deep Metric Learning", CVPR 2019, eq. 15.
type MultiSimilarity struct {
	Alpha   float64       `doc:"α, sharpness among positives" min:"1e-3" max:"1e4"`
	Beta    float64       `doc:"β, sharpness among negatives" min:"1e-3" max:"1e4"`
	Base    float64       `doc:"λ, similarity, or distance, that parts good pairs from bad ones" min:"-1e3" max:"1e3"`
	Metric  pairs.Metric  `name:"distance" doc:"how embeddings are compared" none:"cosine"`
	Miner   miners.Miner  `doc:"which pairs count" none:"all"`
	Reducer pairs.Reducer `doc:"how the anchors' terms become one number" none:"mean"`
}

var defaultMultiSimilarity = MultiSimilarity{Alpha: 2, Beta: 50, Base: 0.5, Metric: pairs.Cosine{}, Reducer: pairs.Mean{}}

func init() {
	kinds.Add("multi-similarity", "pairs weighed by how they compare with the anchor's others (Wang 2019)", defaultMultiSimilarity, catalog.Upgrade(upgradeMultiSimilarity))
}

var _ Termed = MultiSimilarity{}

// Loss returns a scalar.
func (l MultiSimilarity) Loss(b pairs.Batch) graph.Expr {
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultMultiSimilarity.Reducer))
}

// Terms are those of anchors. None is ever 0: pairs are active that are on the wrong side of
// the base.
func (l MultiSimilarity) Terms(b pairs.Batch) pairs.Terms {
	if err := check("multi-similarity", l); err != nil {
		return failed(err)
	}
	m := cmp.Or(l.Metric, defaultMultiSimilarity.Metric)
	if m.Similarity() { // as the distance has its sign turned
		l.Base = -l.Base
	}
	c := compare(b, l.Miner, m).Once()
	terms := l.side(c, c.Pos, c.D.Affine(l.Alpha, -l.Alpha*l.Base), l.Alpha).
		Add(l.side(c, c.Neg, c.D.Affine(-l.Beta, l.Beta*l.Base), l.Beta)) // (B, 1)
	return pairs.Terms{b.Rows("loss", terms).WithActivity(func() (active, all graph.Expr) {
		_, far := graph.RowTerms(c.Pos, c.D.Plus(-l.Base), 0, math.Inf(1))
		_, near := graph.RowTerms(c.Neg, c.D.Neg().Plus(l.Base), 0, math.Inf(1))
		return far.Add(near), c.Pos.Add(c.Neg)
	})}
}

// side is (1/s)·ln(1 + Σ eˣ) of each row over the pairs.
func (l MultiSimilarity) side(c pairs.Compared, of, x graph.Expr, s float64) graph.Expr {
	return c.RowLogSumExp(of, x, math.Inf(-1)).Softplus().Scale(1 / s) // −∞ is ln 0
}
