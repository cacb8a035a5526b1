package losses

import (
	"cmp"
	"math"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/miners"
	"medusa/pairs"
)

// Margin keeps positive pairs within a boundary and negative pairs beyond it, each by a margin.
// Over the triplets (a, p, n),
//
//	L = ( Σ [d_ap − β + α]₊ + Σ [β − d_an + α]₊ ) / (number of terms above 0)
//
// where d is the distance, α the Margin and β the boundary, at first Beta. With LearnBeta β is
// learned; PerClass makes it one β for each class, that of the anchor. Learned boundaries are held
// down by Nu: ν·β is added or, with PerClass, ν·β_a for each triplet, over the same number. A pair
// counts as often as it is in a triplet.
//
// The paper draws negatives by their distance, which is a miner's. LRScale is the learning rate of
// β over that of the network. With a similarity s in place of d the terms are [β − s_ap + α]₊ and
// [s_an − β + α]₊.
//
// Terms are "pos", "neg" and, of a learned β with ν, "beta".
//
// C.-Y. Wu, R. Manmatha, A. J. Smola and P. Krähenbühl, "Sampling Matters in Deep Embedding
// Learning", ICCV 2017.
type Margin struct {
	Margin    float64       `doc:"α, between the boundary and either kind of pairs, in units of distance" min:"0" max:"1e3"`
	Beta      float64       `doc:"β, the boundary, or what it is at first" min:"-1e3" max:"1e3"`
	LearnBeta bool          `doc:"the boundary is learned"`
	PerClass  bool          `doc:"each class has a boundary of its own; only with learn-beta"`
	Nu        float64       `doc:"ν, what holds learned boundaries down; only with learn-beta" min:"0" max:"1e3"`
	LRScale   float64       `doc:"learning rate of the boundaries over that of the network; only with learn-beta" above:"0" max:"1e6" unset:"1"`
	Metric    pairs.Metric  `name:"distance" doc:"how embeddings are compared; margin and boundary are in its units" none:"lp"`
	Miner     miners.Miner  `doc:"which triplets count" none:"all"`
	Reducer   pairs.Reducer `doc:"how terms become one number" none:"divisor, by the number of terms above 0"`

	Classes int `name:"-"` // labels are 0 … Classes−1; with PerClass

	params *graph.Params
}

var defaultMargin = &Margin{Margin: 0.2, Beta: 1.2, Metric: pairs.LP{}, Reducer: pairs.Divisor{}}

func init() {
	Register("margin", "positive pairs within a boundary, negatives beyond it; the boundary may be learned (Wu 2017)", defaultMargin)
}

var (
	_ Trainable = (*Margin)(nil)
	_ Termed    = (*Margin)(nil)
	_ Settable  = (*Margin)(nil)
)

// Params are the learned boundaries "beta", (1) or (C); there may be none.
func (l *Margin) Params() *graph.Params {
	if l == nil {
		return graph.NewParams(0) // Loss tells the error
	}
	return ownParams(&l.params, 0)
}

// Set takes the number of classes from the data.
func (l *Margin) Set(s Setting) error {
	l.Classes = s.Classes
	return nil
}

// Loss returns a scalar.
func (l *Margin) Loss(b pairs.Batch) graph.Expr {
	if err := checkGiven(l); err != nil {
		return graph.Fail(err)
	}
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultMargin.Reducer))
}

// Terms are those of positive and of negative pairs, and of the boundaries.
func (l *Margin) Terms(b pairs.Batch) pairs.Terms {
	if err := check("margin", l); err != nil {
		return failed(err)
	}
	m := cmp.Or(l.Metric, defaultMargin.Metric)
	c := compare(b, l.Miner, m)
	if err := c.D.Err(); err != nil {
		return failed(err)
	}
	pull, push, beta := l.sides(c, m.Similarity())
	if err := pull.Err(); err != nil {
		return failed(err)
	}
	perPos, perNeg := c.AsInTriplets()
	pos, neg := c.Term("pos", c.Pos, pull).Repeated(perPos), c.Term("neg", c.Neg, push).Repeated(perNeg)
	violations := activeOf(pos).Add(activeOf(neg))
	pos.Divisor, neg.Divisor = violations, violations
	if !l.LearnBeta || l.Nu == 0 {
		return pairs.Terms{pos, neg}
	}
	_, triplets := pos.Sums() // (B, 1)
	return pairs.Terms{pos, neg, l.restraint(b, beta, triplets, violations)}
}

// sides are the terms of positive and of negative pairs, (B, M), and the boundary if it is learned.
// A similarity is a distance that has its sign turned, and so has the boundary then.
func (l *Margin) sides(c pairs.Compared, similarity bool) (pull, push, beta graph.Expr) {
	if !l.LearnBeta {
		at := l.Beta
		if similarity {
			at = -at
		}
		return c.D.Hinge(1, l.Margin-at), c.D.Hinge(-1, l.Margin+at), beta
	}
	beta = l.boundaries(c)
	beyond := c.D.Sub(beta)
	if similarity {
		beyond = c.D.Add(beta)
	}
	return beyond.Hinge(1, l.Margin), beyond.Hinge(-1, l.Margin), beta
}

// activeOf is the number of terms above 0, a scalar.
func activeOf(t pairs.Term) graph.Expr {
	_, count := t.Between(0, math.Inf(1)).Sums()
	return count.Sum()
}

// boundaries are the learned ones: that of each anchor, (B, 1), or of all, (1, 1).
func (l *Margin) boundaries(c pairs.Compared) graph.Expr {
	n := 1
	if l.PerClass {
		n = l.Classes
	}
	if n < 1 {
		return graph.Fail(errors.Errorf("losses: margin: boundaries of %d classes, want the number of training classes in Classes", n))
	}
	if err := l.Params().LearnAt(betaName, cmp.Or(l.LRScale, 1)); err != nil {
		return graph.Fail(err)
	}
	beta := l.Params().Weight(c.D.Graph(), betaName, c.D.Dtype(), graph.Fill(l.Beta), n).Reshape(n, 1)
	if l.PerClass {
		return graph.Gather(beta, c.Labels)
	}
	return beta
}

const betaName = "beta"

// restraint is the sub-loss that holds boundaries down, where there are triplets.
func (l *Margin) restraint(b pairs.Batch, beta, triplets, violations graph.Expr) pairs.Term {
	terms := triplets.Scale(0).Add(beta.Scale(l.Nu)) // (B, 1)
	if l.PerClass {
		t := b.Rows("beta", terms).Repeated(triplets).NeverIdle()
		t.Divisor = violations
		return t
	}
	some := triplets.Above(0)
	t := b.Rows("beta", terms).Where(some).NeverIdle()
	t.Divisor = some.Sum()
	return t
}

// Validate says what fields do not go together.
func (l *Margin) Validate() error {
	switch {
	case l.PerClass && !l.LearnBeta:
		return errors.New("per-class without learn-beta: all classes have the boundary beta; leave per-class out, or set learn-beta")
	case l.Nu > 0 && !l.LearnBeta:
		return errors.New("nu without learn-beta: there is no learned boundary to hold down; leave nu out, or set learn-beta")
	case l.LRScale != 0 && !l.LearnBeta:
		return errors.New("lr-scale without learn-beta: there is no learned boundary; leave lr-scale out, or set learn-beta")
	}
	return notBelow0(cmp.Or(l.Metric, defaultMargin.Metric).Similarity(), margin{"beta", l.Beta})
}
