package losses

import (
	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// SelfSupervised needs no labels: two views of one thing, such as two augmentations of a picture,
// are positive, and views of two things negative. The batch's own labels are not read.
//
// Where the batch has a reference set, row i of it is the other view of row i of the batch. Where it
// has none, the batch holds the Views of each thing in a row: rows 0 … Views−1 are of the first
// thing, and so on. If Symmetric, the loss Of goes over all views together, each an anchor;
// else the first views are anchors, and the others their reference set.
//
// In training the sampler views makes such batches, of K views; what makes views differ are the
// augmentations:
//
//	-loss 'self-supervised(of=contrastive)' -sampler views -k 2 -crop 3 -rotate 10
//
// The two-view form is pytorch-metric-learning's SelfSupervisedLoss; with NT-Xent it is SimCLR:
//
// T. Chen, S. Kornblith, M. Norouzi and G. Hinton, "A Simple Framework for Contrastive Learning of
// Visual Representations", ICML 2020.
type SelfSupervised struct {
	Of        Loss `doc:"the loss, over pairs or triplets"`
	Symmetric bool `doc:"all views are anchors, not the first ones alone"`
	Views     int  `doc:"views of one thing, which stand in a row in the batch" min:"2" max:"1e4"`
}

var defaultSelfSupervised = SelfSupervised{Of: defaultContrastive, Symmetric: true, Views: 2}

func init() {
	Register("self-supervised", "a loss in which views of one thing are the only positives", defaultSelfSupervised)
}

var (
	_ Trainable = SelfSupervised{}
	_ Termed    = SelfSupervised{}
	_ Settable  = SelfSupervised{}
)

func (l SelfSupervised) within() []Loss { return []Loss{l.Of} }
func (SelfSupervised) owns() bool       { return false }

// Loss returns a scalar.
func (l SelfSupervised) Loss(b pairs.Batch) graph.Expr {
	views, err := l.views(b)
	if err != nil {
		return graph.Fail(err)
	}
	return l.Of.Loss(views)
}

// Terms are those of the loss, none if it does not tell them.
func (l SelfSupervised) Terms(b pairs.Batch) pairs.Terms {
	views, err := l.views(b)
	if err != nil {
		return failed(err)
	}
	return termsOf(l.Of, views)
}

// views is the batch with numbers of things for labels.
func (l SelfSupervised) views(b pairs.Batch) (pairs.Batch, error) {
	if err := check("self-supervised", l); err != nil {
		return b, err
	}
	if hasLearned(l.Of) {
		return b, errors.New("losses: self-supervised: the loss has weights of classes, and things are no classes: take one over pairs")
	}
	if !b.Chosen.Whole() {
		return b, errors.New("losses: self-supervised: a miner around it goes by the labels: give the loss in it the miner, as in self-supervised(of=contrastive(miner=batch-hard))")
	}
	if err := b.Check(); err != nil {
		return b, err
	}
	b.Raw, b.Trunk = graph.Expr{}, graph.Expr{} // of what is no more a row
	if b.HasReference() {
		return l.twoViews(b)
	}
	rows, e := b.X.Shape()[0], b.X.Shape()[1]
	things := rows / l.Views
	if things*l.Views != rows {
		return b, errors.Errorf("losses: self-supervised: a batch of %d rows does not hold %d views of each thing in a row", rows, l.Views)
	}
	if l.Symmetric {
		b.Labels = graph.Groups(b.X, things, l.Views)
		return b, b.Labels.Err()
	}
	each := b.X.Reshape(things, l.Views*e)
	b.X, b.Ref = each.Slice(1, 0, e), each.Slice(1, e, l.Views*e).Reshape(things*(l.Views-1), e)
	b.Labels, b.RefLabels = graph.Iota(b.X, things), graph.Groups(b.X, things, l.Views-1)
	return b, b.Check()
}

// twoViews is views where the reference set holds the second ones.
func (l SelfSupervised) twoViews(b pairs.Batch) (pairs.Batch, error) {
	rows := b.X.Shape()[0]
	if m := b.Ref.Shape()[0]; m != rows {
		return b, errors.Errorf("losses: self-supervised: a reference set of %d rows for a batch of %d, want the other view of each", m, rows)
	}
	b.Labels = graph.Iota(b.X, rows)
	b.RefLabels = b.Labels
	if l.Symmetric {
		b.X, b.Labels = graph.Concat(0, b.X, b.Ref), graph.Concat(0, b.Labels, b.Labels)
		b.Ref, b.RefLabels = graph.Expr{}, graph.Expr{}
	}
	return b, b.Check()
}

// ViewsInARow is how many views of one thing have to stand in a row in a batch without a reference set for
// l, or for a loss within it; 0 if it goes by labels.
func ViewsInARow(l Loss) (views int) {
	contains(l, func(l Loss) bool {
		if s, ok := l.(SelfSupervised); ok {
			views = max(views, s.Views)
		}
		return false
	})
	return views
}

// Params are the loss's own; there may be none.
func (l SelfSupervised) Params() *graph.Params { return innerParams(l.Of) }

// Set hands the setting on to the loss.
func (l SelfSupervised) Set(s Setting) error { return set(l.Of, s) }

// Validate says what is missing.
func (l SelfSupervised) Validate() error { return checkGiven(l.Of) }
