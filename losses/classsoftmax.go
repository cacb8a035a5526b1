package losses

import (
	"medusa/graph"
	"medusa/pairs"
)

// ClassSoftmax is a softmax over the classes that compete: with own the logit of a sample's class
// and z_j those of the others,
//
//	CE = −ln( e^own / (e^own + Σ_j e^{z_j}) )
//	L  = (1 − p)^γ · [ CE + ε·(own − mean over all classes of z) ],   p = e^−CE
//
// where ε is the Smoothing, by which the sample is of each class a little, and γ the Focal, by which
// samples that are told apart already count less. A gradient flows through (1 − p)^γ too.
//
// C. Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016, section
// 7 (label smoothing). T.-Y. Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017.
type ClassSoftmax struct {
	Smoothing float64 `doc:"ε, label smoothing" min:"0" max:"0.999"`
	Focal     float64 `doc:"γ of the focal loss, by which samples that are told apart already count less (Lin 2017)" min:"0" max:"100"`
	Competition
}

var defaultSoftmax = ClassSoftmax{Competition: defaultCompetition}

// softmax are the terms (B, 1) of own logits (B, 1) among the logits z (B, K) of the others; what z
// has for the own class does not count.
func (l *ClassSoftmax) softmax(c contest, own, z graph.Expr) graph.Expr {
	others, some := c.logSumOfOthers(z) // (B, 1)
	gap := others.Sub(own)
	loss := graph.Where(some, gap.Softplus(), 0) // 0 where there is no other class
	if l.Smoothing > 0 {
		loss = loss.Add(own.Sub(c.meanOver(c.sumOfOthers(z).Add(own))).Scale(l.Smoothing))
	}
	if l.Focal > 0 {
		loss = loss.Mul(gap.Sigmoid().Power(l.Focal))
	}
	return loss
}

// Cosines is a softmax over the cosines of samples and classes,
//
//	cos θ_ic = max over the vectors w of class c of ⟨x_i, w⟩ / (‖x_i‖·‖w‖)
//
// where a class has one vector or, as SubCenters says, several, of which the nearest counts: so a
// class may have several shapes, and mislabelled pictures gather at one of their own.
//
// J. Deng, J. Guo, T. Liu, M. Gong and S. Zafeiriou, "Sub-center ArcFace: Boosting Face Recognition
// by Large-Scale Noisy Web Faces", ECCV 2020.
type Cosines struct {
	SubCenters int `doc:"weight vectors of each class, of which the nearest counts (Deng 2020)" min:"1" max:"1000" unset:"1"`
	ClassSoftmax
}

var defaultCosines = Cosines{SubCenters: 1, ClassSoftmax: defaultSoftmax}

// ofLength returns l for a loss that reads the length of an embedding, and so reads it before it is normalised.
func (l Cosines) ofLength() Cosines {
	l.On = OnRaw
	return l
}

// perClass is the number of vectors of a class.
func (l *Cosines) perClass() int { return max(l.SubCenters, 1) }

func (l *Cosines) angles() *Cosines { return l }

// angular is a loss of cosines.
type angular interface {
	weighed
	angles() *Cosines
}

// angularTerms returns the terms of a softmax for the loss l of that name. The function logits makes its
// logits, given the cosines (B, K) and those of the samples' own classes (B, 1).
func angularTerms(name string, l angular, b pairs.Batch, logits func(c contest, cos, own graph.Expr) (ownLogit, z graph.Expr)) pairs.Terms {
	if err := checkGiven(l); err != nil {
		return failed(err)
	}
	a := l.angles()
	c, err := a.contest(name, l, b, classifierWeight, a.perClass())
	if err != nil {
		return failed(err)
	}
	cos := c.cosines()
	own, z := logits(c, cos, c.ofOwn(cos))
	return a.samples(b, a.softmax(c, own, z))
}

// cosines are those of the samples and the nearest vector of each class, (B, K).
func (c contest) cosines() graph.Expr {
	return c.nearest(graph.Normalize(c.x).MatMulT(graph.Normalize(c.w)))
}

// nearest is the largest of s (B, K·V) of each class, (B, K).
func (c contest) nearest(s graph.Expr) graph.Expr {
	if c.v == 1 {
		return s
	}
	return graph.GroupMax(s, c.v)
}
