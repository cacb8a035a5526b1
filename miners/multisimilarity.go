package miners

import (
	"math"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// MultiSimilarity chooses the pairs of each anchor that the anchor's pairs of the other kind make
// hard: positive pairs that are farther than its nearest negative less ε, and negative pairs that are
// nearer than its farthest positive plus ε:
//
//	D(a,p) > min over n of D(a,n) − ε,   D(a,n) < max over p of D(a,p) + ε
//
// where ε is Epsilon. An anchor without a positive has no negative pair, and one without a negative
// no positive pair. The paper compares by cosine similarity.
//
// X. Wang, X. Han, W. Huang, D. Dong and M. R. Scott, "Multi-Similarity Loss with General Pair
// Weighting for Deep Metric Learning", CVPR 2019, eq. 11 and 12.
type MultiSimilarity struct {
	Epsilon float64      `doc:"ε, in units of distance, or similarity" min:"0" max:"1e3"`
	Metric  pairs.Metric `name:"distance" doc:"how embeddings are compared" none:"as the loss does"`
}

func init() {
	Register("multi-similarity", "pairs that the anchor's hardest pair of the other kind makes hard (Wang 2019)", MultiSimilarity{Epsilon: 0.1})
}

// Mine chooses pairs.
func (m MultiSimilarity) Mine(b pairs.Batch) pairs.Selection {
	if !(m.Epsilon >= 0) || math.IsInf(m.Epsilon, 1) {
		return Fail(errors.Errorf("miners: multi-similarity: epsilon is %g, want a number of at least 0", m.Epsilon))
	}
	c := compare(b, m.Metric)
	d := c.D.Detach()
	nearest := graph.RowMin(c.Neg, d, math.Inf(1)).Plus(-m.Epsilon) // (B, 1)
	farthest := graph.RowMax(c.Pos, d, math.Inf(-1)).Plus(m.Epsilon)
	return pairs.Selection{Pos: above(c, c.Pos, nearest), Neg: below(c, c.Neg, farthest), Hold: c.Hold}
}
