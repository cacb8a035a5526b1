package losses

import (
	"math"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// AdaCos is the cross-entropy of a cosine classifier that chooses its scale s itself. Fixed, over C
// classes, it is
//
//	s = √2 · ln(C − 1)
//
// and else, from that on, it follows the training: at each step, from the scale s' of the last one,
//
//	s = ln( mean over i of Σ over c ≠ y_i of e^{s'·cos θ_ic} ) / cos(min(π/4, θ_med))
//
// with θ_ic the angle between sample i and the weight vector of class c, and θ_med the median of the
// samples' angles with their own classes, of two in the middle the smaller. It is a buffer, "scale",
// that a resumed run goes on from. No gradient flows through it.
//
// The scale is kept within 1 and Ceiling times the first one, where the paper has no bound. It takes for
// granted that a sample stands at 90° to the classes that are not its own; the scale then falls from the
// first on, as θ_med does. Where a sample is near one of them, as with few numbers an embedding, many
// classes or a network that has learned little, s goes by s'·cos θ_ic / cos(min(π/4, θ_med)): a factor above 1,
// and so beyond all bounds within some dozen steps, after which nothing is learned.
//
// X. Zhang, R. Zhao, Y. Qiao, X. Wang and H. Li, "AdaCos: Adaptively Scaling Cosine Logits for
// Effectively Learning Deep Face Representations", CVPR 2019.
type AdaCos struct {
	Fixed   bool    `doc:"the scale stays as it is at first"`
	Ceiling float64 `doc:"how many times as large as at first the scale may become" min:"1" max:"1e4"`
	Cosines
}

var defaultAdaCos = &AdaCos{Ceiling: 1, Cosines: defaultCosines}

func init() {
	Register("adacos", "a classifier of angles that chooses its scale itself (Zhang 2019)", defaultAdaCos)
}

var (
	_ angular  = (*AdaCos)(nil)
	_ Settable = (*AdaCos)(nil)
)

// leastScale is the smallest scale of AdaCos.
const leastScale = 1

// Loss returns a scalar.
func (l *AdaCos) Loss(b pairs.Batch) graph.Expr { return lossOf(l, b) }

// Terms are those of the samples, of which each always teaches.
func (l *AdaCos) Terms(b pairs.Batch) pairs.Terms {
	return angularTerms("adacos", l, b, func(c contest, cos, own graph.Expr) (ownLogit, z graph.Expr) {
		if l.Classes < 3 {
			err := errors.Errorf("losses: adacos of %d classes, of which it can choose no scale; it needs at least 3", l.Classes)
			return graph.Fail(err), graph.Fail(err)
		}
		initial := max(leastScale, math.Sqrt2*math.Log(float64(l.Classes-1)))
		if l.Fixed {
			return own.Scale(initial), cos.Scale(initial)
		}
		s := l.scale(c, cos.Detach(), own.Detach(), initial)
		return own.Mul(s), cos.Mul(s)
	})
}

// scale is s, (1, 1), of cosines (B, K) and those of the samples' own classes (B, 1).
func (l *AdaCos) scale(c contest, cos, own graph.Expr, initial float64) graph.Expr {
	before, keep := l.running("scale", c.x, initial)
	n := own.Shape()[0]
	others, _ := c.logSumOfOthers(cos.Mul(before)) // (B, 1)
	all := own.Constant(1, 1, n)
	sum, _ := graph.RowLogSumExpOf(all, others.T()) // (1, 1)
	mean := sum.Plus(-math.Log(float64(n)))
	angles := own.Acos().T() // (1, B)
	median, _ := graph.RowMaxOf(graph.RowNearestK(all, angles, (n+1)/2), angles)
	s := mean.Div(median.Clamp(0, math.Pi/4).Cos()).Clamp(leastScale, initial*l.Ceiling)
	if err := keep(s); err != nil {
		return graph.Fail(err)
	}
	return s.Detach()
}
