package losses

import (
	"cmp"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/catalog"
	"medusa/miners"
	"medusa/pairs"
)

// Circle weighs each pair by how far its similarity is from where it should be. Over the B
// anchors i, with positives p and negatives n,
//
//	L = R over i of ln( 1 + Σ over n of e^{γ·α_n·(s_in − m)} · Σ over p of e^{−γ·α_p·(s_ip − 1 + m)} )
//	α_n = [s_in + m]₊,   α_p = [1 + m − s_ip]₊
//
// where s is the similarity, γ is Gamma, m the Margin and R the Reducer. The term of an anchor
// without a positive, or without a negative, is 0. A pair that a miner chose several times counts
// once.
//
// The weights α are held fixed in the gradient: the paper multiplies them in when it goes back
// (section 3.2, eq. 10), so its gradient is not that of the value. ThroughWeights makes it that
// of the value.
//
// The paper has γ = 256, m = 0.25 for faces, γ = 128, m = 0.25 for persons, and γ = 80, m = 0.4
// for retrieval.
//
// Y. Sun, C. Cheng, Y. Zhang, C. Zhang, L. Zheng, Z. Wang and Y. Wei, "Circle Loss: A Unified
// Perspective of Pair Similarity Optimization", CVPR 2020.
type Circle struct {
	Gamma          float64       `doc:"γ, how sharp" min:"1e-3" max:"1e4"`
	Margin         float64       `doc:"m: positives are to be more similar than 1-m, negatives less than m" min:"0" max:"1"`
	ThroughWeights bool          `doc:"the gradient flows through the pairs' weights too; the paper holds them fixed"`
	Metric         pairs.Metric  `name:"distance" doc:"the similarity that embeddings are compared by" none:"cosine"`
	Miner          miners.Miner  `doc:"which pairs count" none:"all"`
	Reducer        pairs.Reducer `doc:"how the anchors' terms become one number" none:"non-zero"`
}

var defaultCircle = Circle{Gamma: 80, Margin: 0.4, Metric: pairs.Cosine{}, Reducer: pairs.NonZero{}}

func init() {
	Register("circle", "each pair weighed by how far its similarity is from its optimum (Sun 2020)", defaultCircle)
}

var _ Termed = Circle{}

// Loss returns a scalar.
func (l Circle) Loss(b pairs.Batch) graph.Expr {
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultCircle.Reducer))
}

// Terms are those of anchors, which all always teach.
func (l Circle) Terms(b pairs.Batch) pairs.Terms {
	if err := check("circle", l); err != nil {
		return failed(err)
	}
	c := compare(b, l.Miner, cmp.Or(l.Metric, defaultCircle.Metric)).Once()
	far, near := c.D.Hinge(1, 1+l.Margin), c.D.Hinge(-1, l.Margin) // α_p and α_n (B, M), of D = −s
	if !l.ThroughWeights {
		far, near = far.Detach(), near.Detach()
	}
	pull, some := c.RowLogSumExpOf(c.Pos, far.Mul(c.D.Affine(l.Gamma, l.Gamma*(1-l.Margin)))) // (B, 1)
	push, others := c.RowLogSumExpOf(c.Neg, near.Mul(c.D.Affine(-l.Gamma, -l.Gamma*l.Margin)))
	terms := graph.Where(some.Mul(others), pull.Add(push).Softplus(), 0)
	return pairs.Terms{b.Rows("loss", terms).NeverIdle()}
}

// Validate says what fields do not go together.
func (l Circle) Validate() error {
	m := cmp.Or(l.Metric, defaultCircle.Metric)
	if !catalog.IsNil(m) && !m.Similarity() {
		return errors.New("the formula takes a similarity of at most 1, and the metric is a distance; choose cosine")
	}
	return nil
}
