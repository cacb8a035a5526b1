package losses

import (
	"gorgonia.org/gorgonia"

	"medusa/graph"
)

// Contrastive, first form: see the losses colleague's work.
type Contrastive struct {
	Margin float64 // in units of distance; 1 if zero
}

// Loss takes embeddings (B, E) and labels (B) and returns a scalar.
func (l Contrastive) Loss(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
	if l.Margin == 0 {
		l.Margin = 1
	}
	d := graph.Distances(graph.Normalize(graph.Of(embeddings))) // (B, B)
	pos, neg := graph.PairMasks(graph.Data(labels))             // (B, B), 0 or 1
	pull := d.Square()
	push := d.Neg().Plus(l.Margin).Relu().Square()
	return graph.MeanOver(pos, pull).Add(graph.MeanOver(neg, push)).Node()
}
