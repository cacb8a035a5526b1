package miners

import (
	"medusa/graph"
	"medusa/pairs"
)

// BatchHard chooses, for each anchor, the triplet of its farthest positive and its nearest
// negative. An anchor without a positive or without a negative has none. Among equal distances
// the first column is chosen.
//
// A. Hermans, L. Beyer and B. Leibe, "In Defense of the Triplet Loss for Person
// Re-Identification", arXiv 1703.07737, 2017.
type BatchHard struct {
	Metric pairs.Metric `name:"distance" doc:"how embeddings are compared" none:"as the loss does"`
}

func init() {
	Register("batch-hard", "the farthest positive and the nearest negative of each anchor (Hermans 2017)", BatchHard{})
}

// Mine chooses one triplet of each anchor.
func (m BatchHard) Mine(b pairs.Batch) pairs.Selection {
	c := compare(b, m.Metric) // (B, M)
	return pairs.Selection{Pos: graph.RowFarthest(c.Pos, c.D), Neg: graph.RowNearest(c.Neg, c.D), Single: true}
}
