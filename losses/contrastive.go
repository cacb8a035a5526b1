package losses

import (
	"math"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/graph"
)

// Contrastive pulls pairs of one class together and pushes pairs of two classes apart,
// over all ordered pairs i ≠ j of the batch. In the Linear form
//
//	L = R over P of [d_ij − p]₊  +  R over N of [m − d_ij]₊
//
// and in the Squared form, of the papers,
//
//	L = R over P of ½·d_ij²  +  R over N of ½·[m − d_ij]₊²
//
// where d is the distance, P the positive and N the negative pairs, p the PosMargin, m
// the NegMargin and R the Reducer: the average of the non-zero terms in the Linear form,
// the mean in the Squared form. With Pooled, R goes over P and N together. Then
//   - Squared, Pooled with R the sum is Hadsell's loss,
//   - Squared, Pooled with R the mean is Song's J = (1/m) Σ … over m/2 pairs, which is
//     half of a mean over pairs,
//   - Linear is pytorch-metric-learning's ContrastiveLoss.
//
// With a similarity s (cosine, dot) in place of d the terms are [p − s]₊ and [s − m]₊.
//
// R. Hadsell, S. Chopra and Y. LeCun, "Dimensionality Reduction by Learning an Invariant
// Mapping", CVPR 2006. H. O. Song, Y. Xiang, S. Jegelka and S. Savarese, "Deep Metric
// Learning via Lifted Structured Feature Embedding", CVPR 2016, eq. 1.
type Contrastive struct {
	Form      Form         // Linear if empty
	PosMargin float64      // in units of distance; 0, or 1 for a similarity, if zero; Linear only
	NegMargin float64      // in units of distance; 1, or 0 for a similarity, if zero
	Pooled    bool         // one average over positive and negative pairs together
	Metric    graph.Metric // Euclidean distance of normalised embeddings if zero
	Reducer   Reducer      // NonZero in the Linear form, Mean in the Squared form if zero
}

// Form names a form of a loss that papers write in several.
type Form string

// The forms of Contrastive.
const (
	Linear  Form = "linear"
	Squared Form = "squared"
)

var (
	_ Loss    = Contrastive{}
	_ Monitor = Contrastive{}
)

// Loss takes embeddings (B, E) and labels (B) and returns a scalar.
func (l Contrastive) Loss(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
	l, err := l.filled()
	if err != nil {
		return nil, err
	}
	b, err := compare(l.Metric, embeddings, labels)
	if err != nil {
		return nil, err
	}
	pull, push := l.terms(b.d) // (B, B)
	if l.Pooled {
		both := graph.Where(b.pos, pull, 0).Add(graph.Where(b.neg, push, 0)) // not a product: 0·∞
		return l.Reducer.reduce(both, b.pos.Add(b.neg), b.labels).Node()
	}
	return l.Reducer.reduce(pull, b.pos, b.labels).Add(l.Reducer.reduce(push, b.neg, b.labels)).Node()
}

// terms are those of positive and those of negative pairs.
func (l Contrastive) terms(d graph.Expr) (pull, push graph.Expr) {
	push = d.Hinge(-1, l.NegMargin)
	if l.Form == Squared {
		return d.Square().Scale(0.5), push.Square().Scale(0.5)
	}
	return d.Hinge(1, -l.PosMargin), push
}

// ActiveShare is the share of pairs whose term is not 0.
func (l Contrastive) ActiveShare(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
	l, err := l.filled()
	if err != nil {
		return nil, err
	}
	b, err := compare(l.Metric, embeddings, labels)
	if err != nil {
		return nil, err
	}
	pull, push := l.terms(b.d.Detach())
	active := b.pos.Mul(active(pull)).Add(b.neg.Mul(active(push)))
	return share(active, b.pos.Add(b.neg)).Node()
}

// filled is l with its defaults; the margins of a similarity have their sign turned, as
// the similarity has.
func (l Contrastive) filled() (Contrastive, error) {
	def := NonZero
	switch l.Form {
	case "", Linear:
		l.Form = Linear
	case Squared:
		def = Mean
	default:
		return l, errors.Errorf("losses: unknown form %q of contrastive, want linear or squared", l.Form)
	}
	if l.Form == Squared && (math.Abs(l.PosMargin) > Exactly0 || l.Metric.Similarity()) {
		return l, errors.New("losses: the squared form of contrastive has no margin for positive pairs and takes a distance; choose the linear form")
	}
	margins := []field{{"pos-margin", l.PosMargin}, {"neg-margin", l.NegMargin}}
	if err := inRange("contrastive", margins...); err != nil {
		return l, err
	}
	if err := notBelow0("contrastive", l.Metric, margins...); err != nil {
		return l, err
	}
	if l.Metric.Similarity() {
		l.PosMargin, l.NegMargin = -orElse(l.PosMargin, 1), -l.NegMargin
	} else {
		l.NegMargin = orElse(l.NegMargin, 1)
	}
	var err error
	l.Reducer, err = l.Reducer.or(def)
	return l, err
}
