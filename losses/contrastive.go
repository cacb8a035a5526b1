package losses

import (
	"cmp"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/catalog"
	"medusa/miners"
	"medusa/pairs"
)

// Contrastive pulls pairs of one class together and pushes pairs of two classes apart,
// over the ordered pairs of anchors with other rows of the batch, or with the reference set.
// In the Linear form
//
//	L = R over P of [d_ij − p]₊  +  R over N of [m − d_ij]₊
//
// and in the Squared form, of the papers,
//
//	L = R over P of ½·d_ij²  +  R over N of ½·[m − d_ij]₊²
//
// where d is the distance, P the positive and N the negative pairs, p the PosMargin, m
// the NegMargin and R the Reducer. With Pooled, R goes over P and N together. Then
//   - Squared, Pooled with R the sum is Hadsell's loss,
//   - Squared, Pooled with R the mean is Song's J = (1/m) Σ … over m/2 pairs, which is
//     half of a mean over pairs,
//   - Linear with p = 0 and m = 1 is pytorch-metric-learning's ContrastiveLoss.
//
// With a similarity s (cosine, dot) in place of d the terms are [p − s]₊ and [s − m]₊;
// p = 1 and m = 0 then suit.
//
// Terms are "pos" and "neg", or "loss" with Pooled.
//
// R. Hadsell, S. Chopra and Y. LeCun, "Dimensionality Reduction by Learning an Invariant
// Mapping", CVPR 2006. H. O. Song, Y. Xiang, S. Jegelka and S. Savarese, "Deep Metric
// Learning via Lifted Structured Feature Embedding", CVPR 2016, eq. 1.
type Contrastive struct {
	Form      Form          `doc:"linear: [d-pos]+ and [neg-d]+; squared: d²/2 and [neg-d]+²/2" choices:"linear,squared" unset:"linear"`
	PosMargin float64       `doc:"distance up to which a positive pair costs nothing; 1 for a similarity; linear form only" min:"-10" max:"1e3"`
	NegMargin float64       `doc:"distance from which on a negative pair costs nothing; 0 for a similarity" min:"-10" max:"1e3"`
	Pooled    bool          `doc:"one average over positive and negative pairs together"`
	Metric    pairs.Metric  `name:"distance" doc:"how embeddings are compared; margins are in its units" none:"lp"`
	Miner     miners.Miner  `doc:"which pairs count" none:"all"`
	Reducer   pairs.Reducer `doc:"how terms become one number" none:"non-zero in the linear form, mean in the squared form"`
}

// Form names a form of a loss that papers write in several.
type Form string

// The forms of Contrastive.
const (
	Linear  Form = "linear"
	Squared Form = "squared"
)

var defaultContrastive = Contrastive{Form: Linear, NegMargin: 1, Metric: pairs.LP{}}

func init() {
	kinds.Add("contrastive", "pulls pairs of one class together, pushes others apart (Hadsell 2006)", defaultContrastive, catalog.Upgrade(upgradeContrastive))
}

var _ Termed = Contrastive{}

// Loss returns a scalar.
func (l Contrastive) Loss(b pairs.Batch) graph.Expr {
	def := pairs.Reducer(pairs.NonZero{})
	if l.Form == Squared {
		def = pairs.Mean{}
	}
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, def))
}

// Terms are those of positive and of negative pairs.
func (l Contrastive) Terms(b pairs.Batch) pairs.Terms {
	if err := check("contrastive", l); err != nil {
		return failed(err)
	}
	c := compare(b, l.Miner, cmp.Or(l.Metric, defaultContrastive.Metric))
	pull, push := l.pullAndPush(c.D) // (B, M)
	if l.Pooled {
		return pairs.Terms{c.Union("loss", pull, push)}
	}
	return pairs.Terms{c.Term("pos", c.Pos, pull), c.Term("neg", c.Neg, push)}
}

func (l Contrastive) pullAndPush(d graph.Expr) (pull, push graph.Expr) {
	p, m := l.PosMargin, l.NegMargin
	if cmp.Or(l.Metric, defaultContrastive.Metric).Similarity() { // as d has its sign turned
		p, m = -p, -m
	}
	push = d.Hinge(-1, m)
	if l.Form == Squared {
		return d.Square().Scale(0.5), push.Square().Scale(0.5)
	}
	return d.Hinge(1, -p), push
}

// Validate says what fields do not go together.
func (l Contrastive) Validate() error {
	similarity := cmp.Or(l.Metric, defaultContrastive.Metric).Similarity()
	if l.Form == Squared && (l.PosMargin != 0 || similarity) {
		return errors.New("the squared form has no margin for positive pairs and takes a distance; choose the linear form")
	}
	return notBelow0(similarity, margin{"pos-margin", l.PosMargin}, margin{"neg-margin", l.NegMargin})
}
