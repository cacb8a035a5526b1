package losses

import (
	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/internal/catalog"
	"medusa/pairs"
)

// Loss builds a scalar of a batch; an error travels in the expression. It
//   - depends on the order of the batch in no way, nor on the names of the classes unless
//     it has weights of classes,
//   - is finite, with a finite gradient, for every batch: one class only, all classes
//     different, equal points,
//   - builds one graph that is right for every labelling of the batch,
//   - goes over the pairs and triplets that the batch's selection leaves, and compares with its
//     reference set, or gives an error if it cannot (see pairs.Batch.NoReference).
//
// Package losstest checks all that for any Loss.
type Loss interface {
	Loss(b pairs.Batch) graph.Expr
}

// Termed is a Loss made of terms that a reducer makes one number of. ActiveShare tells which
// share of them teaches.
type Termed interface {
	Loss
	Terms(b pairs.Batch) pairs.Terms
}

// Trainable is a Loss with parameters of its own, such as class weights or proxies. The
// trainer learns them beside the network's; they are not part of the model that is used
// afterwards.
type Trainable interface {
	Loss
	Params() *graph.Params
}

// Classifier is a Loss that tells whether it learns from each sample alone, as one with weights
// of classes does, and so from batches without a pair too.
type Classifier interface {
	Loss
	Classifies() bool
}

// Classifies reports whether the loss learns from each sample alone.
func Classifies(l Loss) bool {
	c, ok := l.(Classifier)
	return ok && checkGiven(l) == nil && acyclic(l) == nil && c.Classifies()
}

// ParamsOf are the loss's own parameters, with the states of its miners; nil if it has none.
func ParamsOf(l Loss) *graph.Params {
	if checkGiven(l) != nil {
		return nil
	}
	var own *graph.Params
	if w, ok := l.(wrapper); ok && !w.owns() {
		own = ParamsOf(w.within()[0])
	} else if t, ok := l.(Trainable); ok {
		own = t.Params()
	}
	return withStates(own, l)
}

// Build is the loss of embeddings (B, E) and labels (B), nodes of any Gorgonia graph, as a
// scalar node. Labels are class numbers, of the embeddings' type.
func Build(l Loss, embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
	return BuildOn(l, pairs.Of(embeddings, labels))
}

// BuildOn is Build of a batch that may have a reference set, features or a selection.
func BuildOn(l Loss, b pairs.Batch) (*gorgonia.Node, error) {
	if err := checkGiven(l); err != nil {
		return nil, err
	}
	e := l.Loss(b)
	if e == (graph.Expr{}) {
		return nil, errors.Errorf("losses: the loss %T gives neither an expression nor an error", l)
	}
	return e.Node()
}

// Func adapts a function to Loss.
type Func func(b pairs.Batch) graph.Expr

// Loss calls f.
func (f Func) Loss(b pairs.Batch) graph.Expr {
	if f == nil {
		return graph.Fail(checkGiven(f))
	}
	return f(b)
}

// Of makes a Loss of a function of Gorgonia nodes: embeddings (B, E) and labels (B) to a
// scalar. It takes no reference set and no selection.
func Of(f func(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error)) Loss {
	if f == nil {
		return Func(nil)
	}
	return Func(func(b pairs.Batch) graph.Expr {
		if err := unselected(b, "a function of nodes"); err != nil {
			return graph.Fail(err)
		}
		if err := b.Check(); err != nil {
			return graph.Fail(err)
		}
		x, err := b.X.Node()
		if err != nil {
			return graph.Fail(err)
		}
		y, err := b.Labels.Node()
		if err != nil {
			return graph.Fail(err)
		}
		n, err := f(x, y)
		if err == nil && n == nil {
			err = errors.New("losses: the function gives neither a node nor an error")
		}
		if err != nil {
			return graph.Fail(err)
		}
		return graph.Of(n)
	})
}

// ActiveShare is the share of the loss's pairs, triplets or anchors whose term is not 0, so
// that they still teach, a scalar in [0, 1], 0 if there are none. When it falls to 0, training
// stands still. It is false for a loss that does not tell its terms or whose terms are never 0.
func ActiveShare(l Loss, b pairs.Batch) (share graph.Expr, ok bool) {
	t, is := l.(Termed)
	if !is || checkGiven(l) != nil {
		return share, false
	}
	return t.Terms(b).Active()
}

// checkGiven returns an error for a loss that is nil, or a nil pointer or function in a Loss.
func checkGiven(l Loss) error {
	if l == nil {
		return errors.New("losses: the loss is nil")
	}
	if catalog.IsNil(l) {
		return errors.Errorf("losses: the loss is a nil %T", l)
	}
	return nil
}

// unselected is an error if the batch has a reference set or a selection, for a loss that
// knows neither pairs nor triplets.
func unselected(b pairs.Batch, loss string) error {
	if err := b.NoReference(loss); err != nil {
		return err
	}
	if !b.Chosen.Whole() {
		return errors.Errorf("losses: %s has no pairs to choose from: leave the miner out", loss)
	}
	return nil
}
