package losses

import (
	"math"

	"medusa/graph"
	"medusa/pairs"
)

// CurricularFace is ArcFace in which hard classes count little at first and more as the training goes
// on: a class c that is nearer to a sample than its own class y, with the margin, has another logit,
//
//	L = −ln( e^{s·ψ(θ_y)} / (e^{s·ψ(θ_y)} + Σ over c ≠ y of e^{s·N(θ_c)}) )
//	N(θ) = cos θ                 where cos θ ≤ ψ(θ_y)
//	     = cos θ · (t + cos θ)   else
//	t = (1 − α)·t' + α·mean over the samples of cos θ_y
//
// with θ_c the angle between a sample and the weight vector of class c, ψ and m the Margin as those of
// ArcFace, s the Scale, α the Momentum, and t' that t of the last step, at first 0; a mean over the
// samples. t is a buffer, "t", that a resumed run goes on from. No gradient flows through it, nor
// through the choice of the hard classes.
//
// Y. Huang, Y. Wang, Y. Tai, X. Liu, P. Shen, S. Li, J. Li and F. Huang, "CurricularFace: Adaptive
// Curriculum Learning Loss for Deep Face Recognition", CVPR 2020.
type CurricularFace struct {
	Margin   float64 `doc:"m, in degrees; the paper has 0.5 radians" min:"0" max:"180"`
	Scale    float64 `doc:"s, what cosines are multiplied with" min:"1e-3" max:"1e4"`
	Momentum float64 `doc:"α, how far t moves at each step" min:"0" max:"1"`
	Cosines
}

var defaultCurricularFace = &CurricularFace{Margin: 28.6, Scale: 64, Momentum: 0.01, Cosines: defaultCosines}

func init() {
	Register("curricularface", "arcface with hard classes counting more and more (Huang 2020)", defaultCurricularFace)
}

var (
	_ angular  = (*CurricularFace)(nil)
	_ Settable = (*CurricularFace)(nil)
)

// Loss returns a scalar.
func (l *CurricularFace) Loss(b pairs.Batch) graph.Expr { return lossOf(l, b) }

// Terms are those of the samples, of which each always teaches.
func (l *CurricularFace) Terms(b pairs.Batch) pairs.Terms {
	return angularTerms("curricularface", l, b, func(c contest, cos, own graph.Expr) (ownLogit, z graph.Expr) {
		before, keep := l.running("t", c.x, 0)
		mean := own.Detach().SumAxis(0).Scale(1 / float64(own.Shape()[0])) // (1, 1)
		t := before.Scale(1 - l.Momentum).Add(mean.Scale(l.Momentum)).Detach()
		if err := keep(t); err != nil {
			return graph.Fail(err), graph.Fail(err)
		}
		mine := addAngle(own, own.Constant(l.Margin*math.Pi/180, 1, 1))
		hard := cos.Greater(mine)                          // (B, K)
		z = cos.Mul(hard.Mul(cos.Add(t).Plus(-1)).Plus(1)) // cos θ·(1 + hard·(t + cos θ − 1))
		return mine.Scale(l.Scale), z.Scale(l.Scale)
	})
}
