package losses

import (
	"medusa/graph"
	"medusa/pairs"
)

// CrossEntropy classifies the training classes with a layer of its own, which is dropped
// when the model is used, since the classes then are others:
//
//	L = mean over i of −Σ_c q_ic · ln softmax_c(z_i),   q_ic = (1 − ε)·[y_i = c] + ε/C
//
// with ε the Smoothing and C the number of Classes. The logits z_i come from x_i: the
// embedding as the network gives it, the same before it was normalised, or the trunk's
// features before the embedding layer, as On says:
//
//	z_ic = s · ⟨x_i, w_c⟩ / (‖x_i‖·‖w_c‖)   the cosine classifier, s the Scale
//	z_ic = ⟨x_i, w_c⟩ + b_c                 the linear classifier
//
// where of several vectors w_c of a class, its SubCenters, the nearest counts. With Focal it is
// the focal softmax.
//
// With BatchClasses only the classes of the batch compete, so that c goes over them alone, and with
// a Share below 1 they and a share of the others: see Competition.
//
// A linear classifier on embeddings of length 1 cannot be sure: its logits are bounded
// by the weights' lengths, and with many classes and a small learning rate it starts and
// stays near ln C. Hence the cosine classifier, the Scale and the LRScale by default.
//
// F. Wang et al., "NormFace: L2 Hypersphere Embedding for Face Verification", ACM MM 2017
// (cosine classifier). A. Zhai and H.-Y. Wu, "Classification is a Strong Baseline for Deep
// Metric Learning", BMVC 2019 (the same for retrieval; s = 20 is its temperature 0.05,
// pytorch-metric-learning's NormalizedSoftmaxLoss).
type CrossEntropy struct {
	Head  Head    `name:"classifier" doc:"cosine of normalised vectors, or linear with bias" choices:"cosine,linear" unset:"cosine"`
	Scale float64 `doc:"s, what cosines are multiplied with" min:"1e-3" max:"1e4"`
	Cosines
}

// Head names a kind of classifier.
type Head string

// The classifiers.
const (
	CosineHead Head = "cosine"
	LinearHead Head = "linear"
)

var defaultCrossEntropy = &CrossEntropy{Head: CosineHead, Scale: 16, Cosines: Cosines{SubCenters: 1, ClassSoftmax: ClassSoftmax{Competition: defaultCompetition.learning(100)}}}

func init() {
	Register("ce", "cross-entropy of a classifier over the training classes, dropped afterwards", defaultCrossEntropy)
}

var (
	_ weighed  = (*CrossEntropy)(nil)
	_ Settable = (*CrossEntropy)(nil)
)

// Loss returns a scalar.
func (l *CrossEntropy) Loss(b pairs.Batch) graph.Expr { return lossOf(l, b) }

// Terms are those of the samples, of which each always teaches.
func (l *CrossEntropy) Terms(b pairs.Batch) pairs.Terms {
	if err := checkGiven(l); err != nil {
		return failed(err)
	}
	c, err := l.contest("ce", l, b, classifierWeight, l.perClass())
	if err != nil {
		return failed(err)
	}
	z := l.logits(c) // (B, K)
	var terms graph.Expr
	if c.everyClass() && l.Focal == 0 {
		terms = graph.CrossEntropy(z, b.Labels, l.Smoothing)
	} else {
		terms = l.softmax(c, c.ofOwn(z), z)
	}
	if l.Head == LinearHead {
		terms = c.showingInfinity(terms)
	}
	return l.samples(b, terms)
}

// logits are those of the samples and the classes that compete, (B, K).
func (l *CrossEntropy) logits(c contest) graph.Expr {
	if l.Head != LinearHead {
		x, w := graph.Normalize(c.x).Scale(l.Scale), graph.Normalize(c.w)
		return c.nearest(x.MatMulT(w))
	}
	bias := l.weight(classifierBias, c.x, graph.Fill(0), l.Classes).Reshape(l.Classes, 1)
	if !c.everyClass() {
		bias = graph.Gather(bias, c.rows()) // (K, 1)
	}
	return c.nearest(c.x.MatMulT(c.w)).Add(bias.T())
}

// showingInfinity returns terms (B, 1) with NaN in the place of those whose x is not finite. Without it,
// an infinite embedding may have infinite logits, and a loss of 0 that nobody would notice.
func (c contest) showingInfinity(terms graph.Expr) graph.Expr {
	return terms.Add(c.x.Detach().Scale(0).SumAxis(1))
}
