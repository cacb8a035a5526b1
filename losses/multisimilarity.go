package losses

import (
	"math"

	"gorgonia.org/gorgonia"

	"medusa/graph"
)

// MultiSimilarity weighs each pair by how it compares with the other pairs of its anchor.
// Over the B anchors i, with positives p and negatives n,
//
//	L = (1/B) Σ over i of [ (1/α)·ln(1 + Σ over p of e^{−α(s_ip − λ)}) + (1/β)·ln(1 + Σ over n of e^{β(s_in − λ)}) ]
//
// where s is the similarity, α is Alpha, β is Beta and λ the Base. The mining of the
// paper's eq. 11, which drops easy pairs before, is not part of it.
//
// With a distance d in place of s the terms are α(d_ip − λ) and β(λ − d_in).
//
// X. Wang, X. Han, W. Huang, D. Dong and M. R. Scott, "Multi-Similarity Loss with General
// Pair Weighting for Deep Metric Learning", CVPR 2019, eq. 15.
type MultiSimilarity struct {
	Alpha   float64      // α, sharpness among positives; 2 if zero
	Beta    float64      // β, sharpness among negatives; 50 if zero
	Base    float64      // λ in units of similarity or distance; 0.5 if zero
	Metric  graph.Metric // cosine similarity if zero
	Reducer Reducer      // Mean, over the anchors, if zero
}

var (
	_ Loss    = MultiSimilarity{}
	_ Monitor = MultiSimilarity{}
)

// Loss takes embeddings (B, E) and labels (B) and returns a scalar.
func (l MultiSimilarity) Loss(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
	l, b, err := l.compared(embeddings, labels)
	if err != nil {
		return nil, err
	}
	terms := l.side(b.pos, b.d.Affine(l.Alpha, -l.Alpha*l.Base), l.Alpha).
		Add(l.side(b.neg, b.d.Affine(-l.Beta, l.Beta*l.Base), l.Beta)) // (B, 1)
	return l.Reducer.reduce(terms, terms.Detach().Constant(1, terms.Shape()...), b.labels).Node()
}

// side is (1/s)·ln(1 + Σ eˣ) of each row where mask is 1.
func (l MultiSimilarity) side(mask, x graph.Expr, s float64) graph.Expr {
	return graph.RowLogSumExp(mask, x, math.Inf(-1)).Softplus().Scale(1 / s) // −∞ is ln 0
}

// ActiveShare is the share of pairs on the wrong side of the base: positive ones less
// similar than it, negative ones more.
func (l MultiSimilarity) ActiveShare(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
	l, b, err := l.compared(embeddings, labels)
	if err != nil {
		return nil, err
	}
	d := b.d.Detach()
	active := b.pos.Mul(active(d.Plus(-l.Base))).Add(b.neg.Mul(d.Above(l.Base).Not()))
	return share(active, b.pos.Add(b.neg)).Node()
}

// compared is the filled loss and its batch.
func (l MultiSimilarity) compared(embeddings, labels *gorgonia.Node) (MultiSimilarity, batch, error) {
	l, err := l.filled()
	if err != nil {
		return l, batch{}, err
	}
	b, err := compare(l.Metric, embeddings, labels)
	return l, b, err
}

// filled is l with its defaults; the base of a similarity has its sign turned, as the
// similarity has.
func (l MultiSimilarity) filled() (MultiSimilarity, error) {
	l.Alpha, l.Beta, l.Base = orElse(l.Alpha, 2), orElse(l.Beta, 50), orElse(l.Base, 0.5)
	err := inRange("multi-similarity", field{"alpha", l.Alpha}, field{"beta", l.Beta}, field{"base", l.Base})
	if err != nil {
		return l, err
	}
	if l.Metric == (graph.Metric{}) {
		l.Metric.Kind = graph.Cosine
	}
	if l.Metric.Similarity() {
		l.Base = -l.Base
	}
	l.Reducer, err = l.Reducer.or(Mean)
	return l, err
}
