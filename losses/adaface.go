package losses

import (
	"math"

	"medusa/graph"
	"medusa/pairs"
)

// AdaFace is a cosine classifier with two margins, which go by how the length of an embedding compares
// with others: of long ones, which tell of good pictures, hard samples count more, of short ones less:
//
//	L = −ln( e^{s·ψ} / (e^{s·ψ} + Σ over c ≠ y of e^{s·cos θ_c}) )
//	ψ = cos(θ_y − m·q) − (m + m·q)
//	q = h·(‖x‖ − μ)/σ, taken as −1 or 1 beyond these
//
// with θ_c the angle between a sample x and the weight vector of class c, y its own, m the Margin, s the
// Scale and h is Concentration; θ_y − m·q is taken as 0 or π beyond these; a mean over the samples.
// μ and σ are mean and standard deviation of the lengths, which move by the Momentum α at each step
// towards those of the batch, from 20 and 100 at first: buffers "mean" and "deviation" that a resumed
// run goes on from. Lengths are taken as 0.001 or 100 beyond these. No gradient flows through q.
//
// M. Kim, A. K. Jain and X. Liu, "AdaFace: Quality Adaptive Margin for Face Recognition", CVPR 2022.
type AdaFace struct {
	Margin        float64 `doc:"m, in radians and of the cosine" min:"0" max:"2"`
	Concentration float64 `doc:"h, how far margins go from the middle" min:"0" max:"1e3"`
	Momentum      float64 `doc:"α, how far mean and deviation of the lengths move at each step" min:"0" max:"1"`
	Scale         float64 `doc:"s, what cosines are multiplied with" min:"1e-3" max:"1e4"`
	Cosines
}

var defaultAdaFace = &AdaFace{Margin: 0.4, Concentration: 0.333, Momentum: 0.01, Scale: 64, Cosines: defaultCosines.ofLength()}

func init() {
	Register("adaface", "a classifier whose margins go by the embedding's length (Kim 2022)", defaultAdaFace)
}

var (
	_ angular  = (*AdaFace)(nil)
	_ Settable = (*AdaFace)(nil)
)

// Loss returns a scalar.
func (l *AdaFace) Loss(b pairs.Batch) graph.Expr { return lossOf(l, b) }

// Terms are those of the samples, of which each always teaches.
func (l *AdaFace) Terms(b pairs.Batch) pairs.Terms {
	return angularTerms("adaface", l, b, func(c contest, cos, own graph.Expr) (ownLogit, z graph.Expr) {
		q, err := l.quality(c.x) // (B, 1)
		if err != nil {
			return graph.Fail(err), graph.Fail(err)
		}
		mine := own.Acos().Sub(q.Scale(l.Margin)).Clamp(0, math.Pi).Cos().Sub(q.Affine(l.Margin, l.Margin))
		return mine.Scale(l.Scale), cos.Scale(l.Scale)
	})
}

// quality is q, (B, 1), of samples x (B, E).
func (l *AdaFace) quality(x graph.Expr) (graph.Expr, error) {
	a := lengths(x.Detach()).Clamp(1e-3, 100) // (B, 1)
	n := float64(a.Shape()[0])
	mean := a.SumAxis(0).Scale(1 / n) // (1, 1)
	variance := a.Sub(mean).Square().SumAxis(0).Scale(1 / max(n-1, 1))
	moved := func(name string, initial float64, now graph.Expr) (graph.Expr, error) {
		before, keep := l.running(name, x, initial)
		next := before.Scale(1 - l.Momentum).Add(now.Scale(l.Momentum))
		return next, keep(next)
	}
	mu, err := moved("mean", 20, mean)
	if err != nil {
		return mu, err
	}
	sigma, err := moved("deviation", 100, variance.Sqrt())
	if err != nil {
		return sigma, err
	}
	return a.Sub(mu).Div(sigma.Plus(1e-3)).Scale(l.Concentration).Clamp(-1, 1).Detach(), nil
}

// Validate says what fields do not go together.
func (l *AdaFace) Validate() error { return l.lengthsAndShare() }
