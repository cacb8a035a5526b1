package losses

import (
	"cmp"
	"math"
	"math/rand/v2"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/pairs"
)

// Manifold compares embeddings with proxies along the manifold that the batch and the proxies
// make: by random walks on their graph of similarities. With all N embeddings and K proxies as its
// nodes,
//
//	S_ij = e^{2·[cos_ij]₊} for i ≠ j,   S̄ = D^{−½}·S·D^{−½},   F = (1 − α)·(I − α·S̄)⁻¹
//
// where D is the diagonal of the sums of S and α says how far a walk goes. Over the embeddings i,
// of proxy y_i,
//
//	L = mean of ln(1 + Σ over k of e^{F_ik − F_iy + m}) + λ·mean of ln(1 + Σ over k of e^{c_ik − c_iy + m})
//
// where k goes over the proxies other than y_i whose exponent is at least 0, c_ik is the cosine of
// the rows i and k of F, m the Margin and λ the Context. The first part is the intrinsic one, the
// second looks at the context of the nodes.
//
// With fewer proxies than classes, which classes share one is drawn from the seed, about as many for
// each: the authors do so, with several embeddings, each with other draws. One such embedding alone
// learns little of classes that share a proxy; without a number of proxies each class has its own, up
// to 1,000 of them.
//
// The inverse takes time in proportion to (N + K)³.
//
// Terms are "intrinsic" and "context", which holds the factor λ.
//
// N. Aziere and S. Todorovic, "Ensemble Deep Manifold Similarity Learning Using Hard Proxies",
// CVPR 2019.
type Manifold struct {
	Proxies int           `doc:"K, number of proxies, at least 2; 0: one for each class, at most 1000" min:"0" max:"1e6"`
	Context float64       `doc:"λ, weight of the context" min:"0" max:"1e6"`
	Alpha   float64       `doc:"α, share of similarity that a step of the walk passes on" above:"0" max:"0.999"`
	Margin  float64       `doc:"m, in units of F and of cosines" min:"0" max:"10"`
	LRScale float64       `doc:"learning rate of the proxies over that of the network" min:"1e-6" max:"1e6"`
	Reducer pairs.Reducer `doc:"how the samples' terms become one number" none:"mean"`

	Classes int    `name:"-"` // labels are 0 … Classes−1
	Seed    uint64 `name:"-"` // of the proxies, and of the classes that share one

	params *graph.Params
}

var defaultManifold = &Manifold{Context: 1, Alpha: 0.8, Margin: 5e-4, LRScale: 100, Reducer: pairs.Mean{}}

func init() {
	Register("manifold", "proxies that groups of classes share, compared along the batch's manifold (Aziere 2019)", defaultManifold)
}

var (
	_ Trainable  = (*Manifold)(nil)
	_ Termed     = (*Manifold)(nil)
	_ Settable   = (*Manifold)(nil)
	_ Classifier = (*Manifold)(nil)
)

// The names of the proxies, (K, E), and of the proxy of each class, (C, 1).
const (
	proxiesName    = "proxies"
	proxyOfClasses = "proxy-of-class"
)

// Params are the proxies "proxies" (K, E) and the buffer "proxy-of-class" (C, 1).
func (l *Manifold) Params() *graph.Params {
	if l == nil {
		return graph.NewParams(0) // Loss tells the error
	}
	return ownParams(&l.params, l.Seed)
}

// Classifies is true.
func (l *Manifold) Classifies() bool { return true }

// Set takes the number of classes and the seed from the data and the run.
func (l *Manifold) Set(s Setting) error {
	l.Classes, l.Seed = s.Classes, s.Seed
	if s.Classes < 2 {
		return errors.Errorf("manifold: proxies of %d classes; it needs the training data's number of classes, at least 2", s.Classes)
	}
	return nil
}

// Loss returns a scalar.
func (l *Manifold) Loss(b pairs.Batch) graph.Expr {
	if err := checkGiven(l); err != nil {
		return graph.Fail(err)
	}
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultManifold.Reducer))
}

// Terms are those of the samples.
func (l *Manifold) Terms(b pairs.Batch) pairs.Terms {
	if err := check("manifold", l); err != nil {
		return failed(err)
	}
	if l.Classes < 1 {
		return failed(errors.Errorf("losses: manifold: proxies of %d classes, want the number of training classes", l.Classes))
	}
	if l.Proxies == 1 {
		return failed(errors.New("losses: manifold: proxies: 1 is out of range, want 2 at least, or 0 for one for each class"))
	}
	if err := unselected(b, "the manifold loss"); err != nil {
		return failed(err)
	}
	if err := b.Check(); err != nil {
		return failed(err)
	}
	n, k := b.X.Shape()[0], l.count()
	own := l.proxies(b)                                                // (N, K), a mask
	f := l.walks(graph.Concat(0, b.X, l.weight(b))).Scale(1 - l.Alpha) // (N+K, N+K)
	if err := f.Err(); err != nil {
		return failed(err)
	}
	embeddings, proxies := f.Slice(0, 0, n), f.Slice(0, n, n+k)
	return pairs.Terms{
		b.Rows("intrinsic", l.against(own, embeddings.Slice(1, n, n+k))),
		b.Rows("context", l.against(own, pairs.Cosine{}.Between(embeddings, proxies)).Scale(l.Context)),
	}
}

// mostProxies are as many as the loss takes without being asked for more.
const mostProxies = 1000

// count is the number of proxies.
func (l *Manifold) count() int {
	return cmp.Or(l.Proxies, max(2, min(l.Classes, mostProxies)))
}

// weight are the proxies.
func (l *Manifold) weight(b pairs.Batch) graph.Expr {
	if err := l.Params().LearnAt(proxiesName, l.LRScale); err != nil {
		return graph.Fail(err)
	}
	return l.Params().Weight(b.X.Graph(), proxiesName, b.X.Dtype(), normal, l.count(), b.X.Shape()[1])
}

// normal fills with numbers of the standard normal distribution.
func normal(rng *rand.Rand, _ tensor.Shape, dst []float64) {
	for i := range dst {
		dst[i] = rng.NormFloat64()
	}
}

// proxies is the mask (N, K) of each sample's proxy.
func (l *Manifold) proxies(b pairs.Batch) graph.Expr {
	of := l.Params().Buffer(b.X.Graph(), proxyOfClasses, b.X.Dtype(), l.share, l.Classes, 1)
	if err := of.Err(); err != nil {
		return of
	}
	return graph.Gather(graph.Identity(b.X, l.count()), graph.Gather(of, b.Labels).Reshape(b.X.Shape()[0]))
}

// share deals the classes out to the proxies.
func (l *Manifold) share(rng *rand.Rand, _ tensor.Shape, dst []float64) {
	for i := range dst {
		dst[i] = float64(i % l.count())
	}
	if len(dst) > l.count() {
		rng.Shuffle(len(dst), func(i, j int) { dst[i], dst[j] = dst[j], dst[i] })
	}
}

// walks is (I − α·S̄)⁻¹ of rows (n, E).
func (l *Manifold) walks(rows graph.Expr) graph.Expr {
	if err := rows.Err(); err != nil {
		return rows
	}
	n := rows.Shape()[0]
	one := graph.Identity(rows, n)
	s := pairs.Cosine{}.Between(rows, rows).Relu().Scale(2).Exp().Mul(one.Not())
	scale := s.SumAxis(1).Sqrt()                                                       // (n, 1)
	return graph.InverseOfOneLess(s.Div(scale).Div(scale.T()).Scale(l.Alpha), l.Alpha) // no eigenvalue of S̄ is beyond ±1
}

// against is ln(1 + Σ e^{v_ik − v_iy + m}) of each row of v (N, K), over the proxies other than its own
// whose exponent is at least 0, (N, 1).
func (l *Manifold) against(own, v graph.Expr) graph.Expr {
	x := v.Sub(graph.RowSum(own, v)).Plus(l.Margin)
	hard := own.Not().Mul(x.Constant(0).Greater(x).Not())       // a NaN is hard: it must not be passed over
	return graph.RowLogSumExp(hard, x, math.Inf(-1)).Softplus() // −∞ is ln 0
}
