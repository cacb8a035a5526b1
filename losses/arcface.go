package losses

import (
	"math"

	"medusa/graph"
	"medusa/pairs"
)

// ArcFace is the cross-entropy of a cosine classifier that asks for an angle of m more between a
// sample x and its own class y than between x and another:
//
//	L = −ln( e^{s·ψ(θ_y)} / (e^{s·ψ(θ_y)} + Σ over c ≠ y of e^{s·cos θ_c}) )
//	ψ(θ) = cos(θ + m)         while θ + m ≤ π
//	     = cos θ − m·sin m    beyond, where the cosine would rise again
//
// with θ_c the angle between x and the weight vector of class c, m the Margin and s the Scale; a mean
// over the samples. With SubCenters it is Sub-center ArcFace.
//
// At θ_y of 0 and π, where the angle has no derivative, the gradient through it is 0.
//
// J. Deng, J. Guo, N. Xue and S. Zafeiriou, "ArcFace: Additive Angular Margin Loss for Deep Face
// Recognition", CVPR 2019: s = 64 and m = 0.5, which is 28.6°.
type ArcFace struct {
	Margin float64 `doc:"m, in degrees" min:"0" max:"180"`
	Scale  float64 `doc:"s, what cosines are multiplied with" min:"1e-3" max:"1e4"`
	Cosines
}

var defaultArcFace = &ArcFace{Margin: 28.6, Scale: 64, Cosines: defaultCosines}

func init() {
	Register("arcface", "a classifier with an angle as margin (Deng 2019); with sub-centers above 1 Sub-center ArcFace (Deng 2020)", defaultArcFace)
}

var (
	_ angular  = (*ArcFace)(nil)
	_ Settable = (*ArcFace)(nil)
)

// Loss returns a scalar.
func (l *ArcFace) Loss(b pairs.Batch) graph.Expr { return lossOf(l, b) }

// Terms are those of the samples, of which each always teaches.
func (l *ArcFace) Terms(b pairs.Batch) pairs.Terms {
	return angularTerms("arcface", l, b, func(_ contest, cos, own graph.Expr) (ownLogit, z graph.Expr) {
		return addAngle(own, own.Constant(l.Margin*math.Pi/180, 1, 1)).Scale(l.Scale), cos.Scale(l.Scale)
	})
}

// addAngle is cos(θ + m) of cosines cos θ (B, 1), m in radians, (B, 1) or (1, 1); and where θ + m is
// beyond π, cos θ − m·sin m.
func addAngle(cos, m graph.Expr) graph.Expr {
	angle := cos.Acos().Add(m)
	beyond := angle.Detach().Above(math.Pi)
	sin := m.Plus(-math.Pi / 2).Cos()
	return angle.Cos().Mul(beyond.Not()).Add(cos.Sub(m.Mul(sin)).Mul(beyond))
}
