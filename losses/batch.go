package losses

import (
	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/graph"
)

// Exactly0 stands for an exact 0 in a field whose zero value means its
// default: losses.Triplet{Margin: losses.Exactly0}.
const Exactly0 = 5e-324

// orElse is v, or def if v is 0.
func orElse(v, def float64) float64 {
	if v == 0 {
		return def
	}
	return v
}

// batch is what a loss over pairs or triplets begins with.
type batch struct {
	labels   graph.Expr // (B)
	d        graph.Expr // (B, B): distances, or similarities with their sign turned
	pos, neg graph.Expr // (B, B): masks of positive pairs i ≠ j and of negative pairs
}

// compare computes distances and masks. A similarity s enters as −s, so that smaller is
// nearer whatever the metric.
func compare(m graph.Metric, embeddings, labels *gorgonia.Node) (batch, error) {
	b := batch{labels: graph.Data(labels)}
	x := graph.Of(embeddings)
	if err := x.Err(); err != nil {
		return b, errors.Wrap(err, "losses: embeddings")
	}
	if err := b.labels.Err(); err != nil {
		return b, errors.Wrap(err, "losses: labels")
	}
	s, n := x.Shape(), b.labels.Shape()
	if s.Dims() != 2 || n.Dims() != 1 || s[0] != n[0] {
		return b, errors.Errorf("losses: embeddings of shape %v with labels of shape %v, want (B, E) and (B)", s, n)
	}
	b.d = m.Self(x)
	if m.Similarity() {
		b.d = b.d.Neg()
	}
	b.pos, b.neg = graph.PairMasks(b.labels)
	return b, nil
}
