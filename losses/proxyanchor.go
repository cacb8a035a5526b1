package losses

import (
	"cmp"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// ProxyAnchor makes the proxy of each class, a learned vector, the anchor of the samples of a batch:
//
//	L = 1/|P⁺| Σ over p in P⁺ of ln(1 + Σ over x of p's class of e^{−α(s(x,p) − δ)})
//	  + 1/|P|  Σ over p in P  of ln(1 + Σ over other x of e^{α(s(x,p) + δ)})
//
// where s is the similarity, P the proxies of all C classes, P⁺ those of classes with a sample in the
// batch, δ the Margin and α is Alpha. A sum over no sample has no term.
//
// What a miner chooses, a weight w of a sample, multiplies its power by e^{w − 1}, as
// pytorch-metric-learning has it.
//
// Terms, one of each class, are "pos" and "neg".
//
// S. Kim, D. Kim, M. Cho and S. Kwak, "Proxy Anchor Loss for Deep Metric Learning", CVPR 2020; the
// proxies there learn 100 times as fast as a network that is fine-tuned, which one that begins anew does
// not want.
type ProxyAnchor struct {
	Margin float64      `doc:"δ, in units of similarity" min:"-10" max:"1e3"`
	Alpha  float64      `doc:"α, how sharp" min:"1e-3" max:"1e4"`
	Metric pairs.Metric `name:"distance" doc:"the similarity by which samples and proxies are compared" none:"cosine"`
	ClassWeights
}

var defaultProxyAnchor = &ProxyAnchor{Margin: 0.1, Alpha: 32, Metric: pairs.Cosine{}, ClassWeights: ClassWeights{On: OnEmbedding, LRScale: 1, Reducer: pairs.Divisor{}}}

func init() {
	Register("proxy-anchor", "the proxy of each class against the samples of the batch (Kim 2020)", defaultProxyAnchor)
}

var (
	_ weighed  = (*ProxyAnchor)(nil)
	_ Settable = (*ProxyAnchor)(nil)
)

// Loss returns a scalar.
func (l *ProxyAnchor) Loss(b pairs.Batch) graph.Expr {
	if err := checkGiven(l); err != nil {
		return graph.Fail(err)
	}
	return addRegularizer(l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultProxyAnchor.Reducer)), l.Regularizer, l.Params(), l.Classes)
}

// Terms are those of the classes, of which each always teaches.
func (l *ProxyAnchor) Terms(b pairs.Batch) pairs.Terms {
	const name = "proxy-anchor"
	if err := check(name, l); err != nil {
		return failed(err)
	}
	x, err := l.open(name, b)
	if err != nil {
		return failed(err)
	}
	p := l.vectors(proxyWeight, x, 1)                              // (C, E)
	s := cmp.Or(l.Metric, defaultProxyAnchor.Metric).Between(p, x) // (C, B)
	pull, push := s.Affine(-l.Alpha, l.Alpha*l.Margin), s.Affine(l.Alpha, l.Alpha*l.Margin)
	if w, some := l.sampleWeights(b, false); some {
		shift := w.Plus(-1).T() // (1, B)
		pull, push = pull.Add(shift), push.Add(shift)
	}
	classes := graph.Iota(x, l.Classes)
	own, others := graph.PairMasksBetween(classes, graph.Labels(b.Labels, l.Classes))
	each := pairs.Batch{Labels: classes}
	term := func(name string, mask, x graph.Expr) pairs.Term {
		sum, some := graph.RowLogSumExpOf(mask, x)
		return each.Rows(name, graph.Where(some, sum.Softplus(), 0)).NeverIdle()
	}
	pos, neg := term("pos", own, pull), term("neg", others, push)
	pos.Divisor = graph.RowCount(own).Above(0).Sum()
	neg.Divisor = x.Constant(float64(l.Classes))
	return pairs.Terms{pos, neg}
}

// Validate says what fields do not go together.
func (l *ProxyAnchor) Validate() error {
	if m := cmp.Or(l.Metric, defaultProxyAnchor.Metric); !m.Similarity() {
		return errors.New("the distance is one, want a similarity, such as distance=cosine")
	}
	return nil
}
