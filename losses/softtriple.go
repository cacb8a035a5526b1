package losses

import (
	"medusa/graph"
	"medusa/pairs"
)

// SoftTriple is the cross-entropy of a classifier with several centers of each class, which takes
// their soft maximum:
//
//	S_ic = Σ over the centers w of class c of q_w·cos(x_i, w),   q = softmax over them of cos(x_i, w)/γ
//	L = −ln( e^{λ(S_iy − δ)} / (e^{λ(S_iy − δ)} + Σ over c ≠ y of e^{λ·S_ic}) )
//
// with y the class of the sample x_i, λ is Lambda, γ is Gamma and δ the Margin; a mean over the
// samples.
//
// Q. Qian, L. Shang, B. Sun, J. Hu, H. Li and R. Jin, "SoftTriple Loss: Deep Metric Learning Without
// Triplet Sampling", ICCV 2019, eq. 8; its centers learn 100 times as fast as a network that is fine-tuned. The paper
// adds 0.2 times a regulariser of the centers (eq. 9), and pytorch-metric-learning does not, nor does
// this loss by itself.
type SoftTriple struct {
	Centers int     `doc:"weight vectors of each class" min:"1" max:"1000"`
	Lambda  float64 `doc:"λ, what similarities are multiplied with" min:"1e-3" max:"1e4" old:"la"`
	Gamma   float64 `doc:"γ, the temperature among the centers of a class" min:"1e-3" max:"1e3"`
	Margin  float64 `doc:"δ, in units of similarity" min:"0" max:"2"`
	ClassSoftmax
}

var defaultSoftTriple = &SoftTriple{Centers: 10, Lambda: 20, Gamma: 0.1, Margin: 0.01, ClassSoftmax: defaultSoftmax}

func init() {
	Register("soft-triple", "a classifier with several centers of each class, softly chosen (Qian 2019)", defaultSoftTriple)
}

var (
	_ weighed  = (*SoftTriple)(nil)
	_ Settable = (*SoftTriple)(nil)
)

// Loss returns a scalar.
func (l *SoftTriple) Loss(b pairs.Batch) graph.Expr { return lossOf(l, b) }

// Terms are those of the samples, of which each always teaches.
func (l *SoftTriple) Terms(b pairs.Batch) pairs.Terms {
	if err := checkGiven(l); err != nil {
		return failed(err)
	}
	c, err := l.contest("soft-triple", l, b, centerWeight, l.Centers)
	if err != nil {
		return failed(err)
	}
	cos := graph.Normalize(c.x).MatMulT(graph.Normalize(c.w)) // (B, K·V)
	s := graph.GroupSoftMax(cos, c.v, l.Gamma)                // (B, K)
	own := c.ofOwn(s).Plus(-l.Margin)
	return l.samples(b, l.softmax(c, own.Scale(l.Lambda), s.Scale(l.Lambda)))
}
