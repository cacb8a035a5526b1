package miners

import (
	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// HDC chooses a Share of the pairs of a batch, the hardest: of n positive pairs the ⌈share·n⌉ that
// are farthest, and of the negative pairs likewise the nearest. Pairs as far as the last of them
// count too, so that both directions of a pair do. What it chooses from may itself be chosen, pairs or
// triplets: see Chain. A pair that counts several times, since it is in several triplets, is several of
// the n.
//
// Y. Yuan, K. Yang and C. Zhang, "Hard-Aware Deeply Cascaded Embedding", ICCV 2017.
type HDC struct {
	Share  float64      `doc:"of the positive pairs, and of the negative pairs, that count" above:"0" max:"1"`
	Metric pairs.Metric `name:"distance" doc:"how embeddings are compared" none:"as the loss does"`
}

func init() {
	Register("hdc", "a share of the positive and of the negative pairs, the hardest (Yuan 2017)", HDC{Share: 0.5})
}

// Mine chooses pairs.
func (m HDC) Mine(b pairs.Batch) pairs.Selection {
	if !(m.Share > 0 && m.Share <= 1) {
		return Fail(errors.Errorf("miners: hdc: the share is %g, want above 0, at most 1", m.Share))
	}
	c := compare(b, m.Metric)
	farthest, nearest := graph.FarthestShare, graph.NearestShare
	if c.Hold == pairs.Counts {
		farthest, nearest = graph.FarthestShareCounted, graph.NearestShareCounted
	}
	return pairs.Selection{
		Pos:  weighed(c, c.Pos, farthest(c.Pos, c.D, m.Share)),
		Neg:  weighed(c, c.Neg, nearest(c.Neg, c.D, m.Share)),
		Hold: c.Hold,
	}
}
