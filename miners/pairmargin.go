package miners

import (
	"math"

	"github.com/pkg/errors"

	"medusa/pairs"
)

// PairMargin chooses the pairs that are not yet as they should be: positive pairs that are farther
// apart than Pos, and negative pairs that are nearer than Neg.
//
// Of a similarity it chooses positive pairs with less than Pos, and negative pairs with more than
// Neg.
type PairMargin struct {
	Pos    float64      `name:"pos-margin" doc:"beyond it positive pairs count, in units of distance, or similarity" min:"-1e3" max:"1e3"`
	Neg    float64      `name:"neg-margin" doc:"within it negative pairs count, in units of distance, or similarity" min:"-1e3" max:"1e3"`
	Metric pairs.Metric `name:"distance" doc:"how embeddings are compared" none:"as the loss does"`
}

func init() {
	Register("pair-margin", "positive pairs beyond a margin and negative pairs within one", PairMargin{Pos: 0.2, Neg: 0.8})
}

// Mine chooses pairs.
func (m PairMargin) Mine(b pairs.Batch) pairs.Selection {
	for _, v := range []float64{m.Pos, m.Neg} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return Fail(errors.Errorf("miners: pair-margin: margins %g and %g, want two finite numbers", m.Pos, m.Neg))
		}
	}
	pos, neg := m.Pos, m.Neg
	if metricOf(b, m.Metric).Similarity() { // which enters as −s
		pos, neg = -pos, -neg
	}
	c := compare(b, m.Metric)
	return pairs.Selection{
		Pos:  between(c, c.Pos, pos, math.Inf(1)),
		Neg:  between(c, c.Neg, math.Inf(-1), neg),
		Hold: c.Hold,
	}
}
