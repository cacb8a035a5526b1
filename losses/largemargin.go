package losses

import (
	"math"

	"medusa/graph"
	"medusa/pairs"
)

// LargeMarginSoftmax is the cross-entropy of a linear classifier without bias that asks for the m-th
// part of the angle between a sample x and its own class y:
//
//	L = −ln( e^{z_y} / (e^{z_y} + Σ over c ≠ y of e^{s·⟨x, w_c⟩}) ),   z_y = s·‖x‖·‖w_y‖·ψ(θ_y)
//	ψ(θ) = (−1)^k · cos(mθ) − 2k   where kπ/m ≤ θ ≤ (k+1)π/m
//
// with θ_c the angle between x and the weight vector w_c, m the Margin and s the Scale; a mean over
// the samples. ψ falls from 1 to 1 − 2m, and with m = 1 it is cos θ.
//
// The lengths count, so by default it reads the embedding before it is normalised. Of embeddings of
// length 1 a Scale above 1 is wanted. The classes' weights, whose lengths count too, hardly grow in a
// short run: by default they learn a hundred times as fast as the network.
//
// W. Liu, Y. Wen, Z. Yu and M. Yang, "Large-Margin Softmax Loss for Convolutional Neural Networks",
// ICML 2016. Beside the margin the paper has λ of the plain softmax, less and less of it, which is Annealing here.
type LargeMarginSoftmax struct {
	Margin int     `doc:"m, into how many parts the angle is divided" min:"1" max:"20"`
	Scale  float64 `doc:"s, what products are multiplied with" min:"1e-3" max:"1e4"`
	Annealing
	ClassSoftmax
}

var defaultLargeMargin = &LargeMarginSoftmax{Margin: 4, Scale: 1, Annealing: defaultAnnealing, ClassSoftmax: ClassSoftmax{Competition: defaultCosines.ofLength().learning(100)}}

func init() {
	Register("large-margin", "a linear classifier whose margin divides the angle (L-Softmax, Liu 2016)", defaultLargeMargin)
}

var (
	_ weighed  = (*LargeMarginSoftmax)(nil)
	_ Settable = (*LargeMarginSoftmax)(nil)
)

// Loss returns a scalar.
func (l *LargeMarginSoftmax) Loss(b pairs.Batch) graph.Expr { return lossOf(l, b) }

// Terms are those of the samples, of which each always teaches.
func (l *LargeMarginSoftmax) Terms(b pairs.Batch) pairs.Terms {
	if err := checkGiven(l); err != nil {
		return failed(err)
	}
	c, err := l.contest("large-margin", l, b, classifierWeight, 1)
	if err != nil {
		return failed(err)
	}
	w := graph.Gather(l.vectors(classifierWeight, c.x, 1), graph.Labels(b.Labels, l.Classes)) // (B, E)
	cos := graph.Normalize(c.x).Mul(graph.Normalize(w)).SumAxis(1)
	own := l.mix(l.Params(), cos, psiOf(cos, l.Margin)).Mul(lengths(c.x)).Mul(lengths(w))
	return l.samples(b, c.showingInfinity(l.softmax(c, own.Scale(l.Scale), c.x.MatMulT(c.w).Scale(l.Scale))))
}

// lengths are those of the rows of x (B, E), (B, 1).
func lengths(x graph.Expr) graph.Expr { return x.Square().SumAxis(1).Sqrt() }

// psiOf is ψ of cosines: (−1)^k·cos(mθ) − 2k.
func psiOf(cos graph.Expr, m int) graph.Expr {
	// cos((n+1)θ) = 2·cos θ·cos(nθ) − cos((n−1)θ)
	last, multiple := cos.Constant(1, cos.Shape()...), cos
	for range m - 1 {
		last, multiple = multiple, cos.Mul(multiple).Scale(2).Sub(last)
	}
	k, sign := cos.Constant(0, cos.Shape()...), cos.Constant(1, cos.Shape()...)
	for part := 1; part < m; part++ {
		past := cos.Above(math.Cos(float64(part) * math.Pi / float64(m))).Not()
		k, sign = k.Add(past), sign.Mul(past.Affine(-2, 1))
	}
	return sign.Mul(multiple).Sub(k.Scale(2))
}
