package graph

import (
	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/internal/device"
)

// LogSoftmax is ln(eˣ/Σeˣ) over each row of x (B, C). Infinite entries are taken as the
// limit: where all of a row are −∞, each has the share 1/C.
func LogSoftmax(x Expr) Expr {
	if x.Err() != nil {
		return x
	}
	s := x.Shape()
	if s.Dims() != 2 {
		return Fail(errors.Errorf("graph: log-softmax of shape %v, want a matrix (B, C)", s))
	}
	spec := device.LogSoftmax{Rows: s[0], Cols: s[1]}
	return apply(spec, s, func(_ []Expr, out, g Expr, _ []bool) []Expr {
		return []Expr{apply(device.LogSoftmaxGrad(spec), s, nil, out, g)}
	}, x)
}

// CrossEntropy is the cross-entropy (B, 1) of each row of logits (B, C) against the
// class that labels (B) name:
//
//	L = −Σ_c q_c · ln p_c,  p = softmax(logits),  q = (1 − ε)·onehot(label) + ε/C
//
// where ε is the smoothing, from 0 to 1. A label that is not one of 0 … C−1 is an error
// when the graph runs. A logit of −∞ is a class that cannot be; the loss is infinite
// where q gives it weight.
//
// C. Szegedy et al., "Rethinking the Inception Architecture for Computer Vision",
// CVPR 2016, section 7 (label smoothing).
func CrossEntropy(logits, labels Expr, smoothing float64) Expr {
	if err := firstError(logits, labels); err != nil {
		return Fail(err)
	}
	s := logits.Shape()
	if s.Dims() != 2 || s[1] == 0 {
		return Fail(errors.Errorf("graph: cross-entropy of logits of shape %v, want a matrix (B, C)", s))
	}
	if y := labels.Shape(); y.Dims() != 1 || y[0] != s[0] {
		return Fail(errors.Errorf("graph: cross-entropy: labels have shape %v, want (%d) for logits %v", y, s[0], s))
	}
	if !(smoothing >= 0 && smoothing <= 1) {
		return Fail(errors.Errorf("graph: cross-entropy: label smoothing is %v, want 0 to 1", smoothing))
	}
	spec := device.CrossEntropy{Rows: s[0], Classes: s[1], Smoothing: smoothing}
	return apply(spec, tensor.Shape{s[0], 1}, func(in []Expr, _, g Expr, _ []bool) []Expr {
		return []Expr{apply(device.CrossEntropyGrad(spec), s, nil, in[0], in[1], g), {}}
	}, logits, labels.Detach())
}
