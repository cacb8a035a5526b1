package losses

import (
	"medusa/graph"
	"medusa/pairs"
)

// SphereFace is LargeMarginSoftmax with weight vectors of length 1, so that the angles alone tell
// classes apart:
//
//	L = −ln( e^{s·‖x‖·ψ(θ_y)} / (e^{s·‖x‖·ψ(θ_y)} + Σ over c ≠ y of e^{s·‖x‖·cos θ_c}) )
//	ψ(θ) = (−1)^k · cos(mθ) − 2k   where kπ/m ≤ θ ≤ (k+1)π/m
//
// with θ_c the angle between a sample x and the weight vector of class c, m the Margin and s the
// Scale; a mean over the samples.
//
// The length of x counts, so by default it reads the embedding before it is normalised. Of embeddings
// of length 1 a Scale above 1 is wanted.
//
// W. Liu, Y. Wen, Z. Yu, M. Li, B. Raj and L. Song, "SphereFace: Deep Hypersphere Embedding for Face
// Recognition", CVPR 2017. Its program anneals ψ at the beginning of a training, which is Annealing here.
type SphereFace struct {
	Margin int     `doc:"m, into how many parts the angle is divided" min:"1" max:"20"`
	Scale  float64 `doc:"s, what logits are multiplied with" min:"1e-3" max:"1e4"`
	Annealing
	Cosines
}

var defaultSphereFace = &SphereFace{Margin: 4, Scale: 1, Annealing: defaultAnnealing, Cosines: defaultCosines.ofLength()}

func init() {
	Register("sphereface", "a classifier of angles whose margin divides the angle (A-Softmax, Liu 2017)", defaultSphereFace)
}

var (
	_ angular  = (*SphereFace)(nil)
	_ Settable = (*SphereFace)(nil)
)

// Loss returns a scalar.
func (l *SphereFace) Loss(b pairs.Batch) graph.Expr { return lossOf(l, b) }

// Terms are those of the samples, of which each always teaches.
func (l *SphereFace) Terms(b pairs.Batch) pairs.Terms {
	return angularTerms("sphereface", l, b, func(c contest, cos, own graph.Expr) (ownLogit, z graph.Expr) {
		length := lengths(c.x).Scale(l.Scale) // (B, 1)
		return l.mix(l.Params(), own, psiOf(own, l.Margin)).Mul(length), cos.Mul(length)
	})
}
