package losses

import (
	"medusa/graph"
	"medusa/pairs"
)

// CosFace is the cross-entropy of a cosine classifier that asks for a cosine of m more between a
// sample x and its own class y than between x and another:
//
//	L = −ln( e^{s(cos θ_y − m)} / (e^{s(cos θ_y − m)} + Σ over c ≠ y of e^{s·cos θ_c}) )
//
// with θ_c the angle between x and the weight vector of class c, m the Margin and s the Scale; a mean
// over the samples. AM-Softmax is the same with s = 30.
//
// H. Wang et al., "CosFace: Large Margin Cosine Loss for Deep Face Recognition", CVPR 2018. F. Wang,
// J. Cheng, W. Liu and H. Liu, "Additive Margin Softmax for Face Verification", IEEE Signal
// Processing Letters 25, 2018.
type CosFace struct {
	Margin float64 `doc:"m, of the cosine" min:"0" max:"2"`
	Scale  float64 `doc:"s, what cosines are multiplied with" min:"1e-3" max:"1e4"`
	Cosines
}

var defaultCosFace = &CosFace{Margin: 0.35, Scale: 64, Cosines: defaultCosines}

func init() {
	Register("cosface", "a classifier with a margin of the cosine (Wang 2018)", defaultCosFace)
}

var (
	_ angular  = (*CosFace)(nil)
	_ Settable = (*CosFace)(nil)
)

// Loss returns a scalar.
func (l *CosFace) Loss(b pairs.Batch) graph.Expr { return lossOf(l, b) }

// Terms are those of the samples, of which each always teaches.
func (l *CosFace) Terms(b pairs.Batch) pairs.Terms {
	return angularTerms("cosface", l, b, func(_ contest, cos, own graph.Expr) (ownLogit, z graph.Expr) {
		return own.Plus(-l.Margin).Scale(l.Scale), cos.Scale(l.Scale)
	})
}
