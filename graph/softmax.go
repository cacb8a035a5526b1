package graph

import (
	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/internal/spec"
)

// LogSoftmax is ln(eˣ/Σeˣ) over each row of x (B, C). Infinite entries are taken as the
// limit: where all of a row are −∞, each has the share 1/C.
func LogSoftmax(x Expr) Expr {
	if s := x.Shape(); x.Err() == nil && s.Dims() != 2 {
		return Fail(errors.Errorf("graph: log-softmax of shape %v, want a matrix (B, C)", s))
	}
	return x.LogSoftmax(1)
}

// LogSoftmax is ln(eˣ/Σeˣ) along an axis, with infinite entries as in the function of that name.
func (e Expr) LogSoftmax(axis int) Expr {
	return e.alongAxis(axis, func(e Expr, rows, cols int) Expr {
		what := spec.LogSoftmax{Rows: rows, Cols: cols}
		return apply(what, e.Shape(), func(in []Expr, out, g Expr, _ []bool) []Expr {
			return []Expr{apply(spec.LogSoftmaxGrad(what), in[0].Shape(), nil, out, g)}
		}, e)
	})
}

// Softmax is eˣ/Σeˣ along an axis. Infinite entries are taken as the limit: −∞ has no share, and
// where all are −∞ each has the same.
func (e Expr) Softmax(axis int) Expr {
	return e.alongAxis(axis, func(e Expr, rows, cols int) Expr {
		what := spec.Softmax{Rows: rows, Cols: cols}
		return apply(what, e.Shape(), func(in []Expr, out, g Expr, _ []bool) []Expr {
			return []Expr{apply(spec.SoftmaxGrad(what), in[0].Shape(), nil, out, g)}
		}, e)
	})
}

// alongAxis applies a function of rows to what lies along an axis; another than the last one
// changes places with it for that.
func (e Expr) alongAxis(axis int, f func(e Expr, rows, cols int) Expr) Expr {
	if e.Err() != nil {
		return e
	}
	s := e.Shape()
	if err := checkAxis(s, axis); err != nil {
		return Fail(err)
	}
	if _, inner := around(s, axis); inner > 1 {
		swap := make([]int, len(s))
		for i := range swap {
			swap[i] = i
		}
		swap[axis], swap[len(s)-1] = len(s)-1, axis
		return e.Permute(swap...).alongAxis(len(s)-1, f).Permute(swap...)
	}
	return f(e, s.TotalSize()/s[axis], s[axis])
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
	what := spec.CrossEntropy{Rows: s[0], Classes: s[1], Smoothing: smoothing}
	return apply(what, tensor.Shape{s[0], 1}, func(in []Expr, _, g Expr, _ []bool) []Expr {
		return []Expr{apply(spec.CrossEntropyGrad(what), s, nil, in[0], in[1], g), {}}
	}, logits, labels.Detach())
}
