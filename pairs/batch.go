package pairs

import (
	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/graph"
)

// Batch is what a loss and a miner see. X and Labels must be there; a zero Expr in another
// field means that the batch has no such thing.
type Batch struct {
	X, Labels graph.Expr // (B, E) and (B)
	// Ref and RefLabels, (M, E) and (M), are what the rows of X are compared with. If there are
	// none, it is X itself, and no row makes a pair with itself.
	Ref, RefLabels graph.Expr
	Raw            graph.Expr // (B, E), the embeddings before they are normalised
	Trunk          graph.Expr // (B, F), the network's features before its embedding layer
	Chosen         Selection  // which pairs and triplets count; all if it is zero
	Metric         Metric     // how the loss compares, for a miner without a metric of its own; or nil
}

// Of is the batch of two nodes, embeddings (B, E) and labels (B).
func Of(embeddings, labels *gorgonia.Node) Batch {
	return Batch{X: graph.Of(embeddings), Labels: graph.Data(labels)}
}

// HasReference reports whether the batch is compared with a reference set, not with itself.
func (b Batch) HasReference() bool { return given(b.Ref) || given(b.RefLabels) }

// NoReference is a ReferenceError if b has a reference set. It is for losses that cannot use one.
func (b Batch) NoReference(loss string) error {
	if b.HasReference() {
		return errors.WithStack(&ReferenceError{Loss: loss})
	}
	return nil
}

// ReferenceError says that a loss got a reference set and cannot use one.
type ReferenceError struct{ Loss string }

func (e *ReferenceError) Error() string {
	return "pairs: " + e.Loss + " compares the batch with no reference set: leave Ref and RefLabels out"
}

// given reports whether an expression is there, if only as an error.
func given(e graph.Expr) bool { return e != graph.Expr{} }

// Check says what is wrong with the shapes of the batch.
func (b Batch) Check() error {
	if err := b.X.Err(); err != nil {
		return errors.Wrap(err, "pairs: embeddings")
	}
	if err := b.Labels.Err(); err != nil {
		return errors.Wrap(err, "pairs: labels")
	}
	x, y := b.X.Shape(), b.Labels.Shape()
	if x.Dims() != 2 || y.Dims() != 1 || x[0] != y[0] {
		return errors.Errorf("pairs: embeddings of shape %v with labels of shape %v, want (B, E) and (B)", x, y)
	}
	if !b.HasReference() {
		return nil
	}
	if err := b.Ref.Err(); err != nil {
		return errors.Wrap(err, "pairs: the reference set")
	}
	if err := b.RefLabels.Err(); err != nil {
		return errors.Wrap(err, "pairs: the reference set's labels")
	}
	r, l := b.Ref.Shape(), b.RefLabels.Shape()
	if r.Dims() != 2 || l.Dims() != 1 || r[0] != l[0] || r[1] != x[1] {
		return errors.Errorf("pairs: a reference set of shape %v with labels of shape %v, want (M, %d) and (M)", r, l, x[1])
	}
	return nil
}

// size is B and M of a batch that Check finds right.
func (b Batch) size() (rows, columns int) {
	rows = b.X.Shape()[0]
	if b.HasReference() {
		return rows, b.Ref.Shape()[0]
	}
	return rows, rows
}
