package losses

import (
	"math"
	"math/rand/v2"
	"sync"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
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
//	z_ic = ⟨x_i, w_c⟩ + b_c                 with Linear
//
// With InBatch only the classes of the batch compete, so that c goes over them alone. This
// sampled softmax costs the same for any number of classes, and the weight vectors of
// classes that are not there are left alone.
//
// A linear classifier on embeddings of length 1 cannot be sure: its logits are bounded
// by the weights' lengths, and with many classes and a small learning rate it starts and
// stays near ln C. Hence the cosine classifier, the Scale and the LRScale by default. A
// class's weight vector gets a gradient of note only in the batches that show the class,
// so with many classes it must learn faster than the network.
//
// F. Wang et al., "NormFace: L2 Hypersphere Embedding for Face Verification", ACM MM 2017
// (cosine classifier). A. Zhai and H.-Y. Wu, "Classification is a Strong Baseline for Deep
// Metric Learning", BMVC 2019 (the same for retrieval; s = 20 is its temperature 0.05,
// pytorch-metric-learning's NormalizedSoftmaxLoss). S. Jean et al., "On Using Very Large
// Target Vocabulary for Neural Machine Translation", ACL 2015 (sampled softmax).
type CrossEntropy struct {
	Classes   int     // C; labels are 0 … C−1
	Linear    bool    // a linear classifier with bias in place of the cosine
	Scale     float64 // s; 16 if zero; none with Linear
	Smoothing float64 // ε in [0, 1)
	InBatch   bool    // only the batch's classes compete, not all
	On        Source  // what is classified; OnEmbedding if empty
	LRScale   float64 // learning rate of the classifier over that of the network; 100 if zero
	Seed      uint64  // of the classifier's initial weights
	Reducer   Reducer // Mean if zero

	params *graph.Params
}

// Source is what a classifier reads of a network.
type Source string

// The sources, from the network's end to its beginning.
const (
	OnEmbedding Source = "embedding" // (B, E), normalised unless the network says otherwise
	OnRaw       Source = "raw"       // (B, E), before it is normalised
	OnTrunk     Source = "trunk"     // (B, F), before the embedding layer
)

var (
	_ Trainable  = (*CrossEntropy)(nil)
	_ OnFeatures = (*CrossEntropy)(nil)
)

// The names of the classifier's parameters, (C, E) and (C).
const (
	classifierWeight = "classifier.weight"
	classifierBias   = "classifier.bias"
)

// makingClassifiers is locked while a loss makes its set of parameters. It is none of the loss,
// which may be copied until then.
var makingClassifiers sync.Mutex

// Params are the classifier's weights "classifier.weight" (C, E) and, with Linear,
// "classifier.bias" (C), made when the loss is first built.
func (l *CrossEntropy) Params() *graph.Params {
	if l == nil {
		return graph.NewParams(0) // LossOnFeatures tells the error
	}
	makingClassifiers.Lock()
	defer makingClassifiers.Unlock()
	if l.params == nil {
		l.params = graph.NewParams(l.Seed)
	}
	return l.params
}

// Loss takes embeddings (B, E) and labels (B) and returns a scalar.
func (l *CrossEntropy) Loss(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
	return l.LossOnFeatures(Features{Embedding: embeddings}, labels)
}

// LossOnFeatures is Loss of what On names.
func (l *CrossEntropy) LossOnFeatures(f Features, labels *gorgonia.Node) (*gorgonia.Node, error) {
	if err := given(l); err != nil {
		return nil, err
	}
	var x *gorgonia.Node
	switch l.On {
	case "", OnEmbedding:
		x = f.Embedding
	case OnRaw:
		x = f.Raw
	case OnTrunk:
		x = f.Trunk
	default:
		return nil, errors.Errorf("losses: the cross-entropy classifies %q, want %s, %s or %s", l.On, OnEmbedding, OnRaw, OnTrunk)
	}
	if x == nil {
		return nil, errors.Errorf("losses: the cross-entropy classifies the %s, which is not given; classify the embedding, or build the loss with LossOnFeatures", l.On)
	}
	return l.loss(x, labels)
}

func (l *CrossEntropy) loss(features, labels *gorgonia.Node) (*gorgonia.Node, error) {
	reducer, err := l.Reducer.or(Mean)
	if err != nil {
		return nil, err
	}
	if l.Classes < 1 {
		return nil, errors.Errorf("losses: cross-entropy over %d classes, want the number of training classes", l.Classes)
	}
	err = inRange("ce", field{"scale", orElse(l.Scale, 16)}, field{"lr-scale", orElse(l.LRScale, 100)}, field{"smoothing", l.Smoothing})
	if err != nil {
		return nil, err
	}
	x, y := graph.Of(features), graph.Data(labels)
	if err := x.Err(); err != nil {
		return nil, err
	}
	if s := x.Shape(); s.Dims() != 2 {
		return nil, errors.Errorf("losses: cross-entropy of features of shape %v, want (B, E)", s)
	}
	terms := l.terms(x, y) // (B, 1)
	if l.Linear {          // of an infinite embedding logits may be infinite, and their loss 0
		terms = terms.Add(x.Detach().Scale(0).SumAxis(1))
	}
	return reducer.reduce(terms, terms.Detach().Constant(1, terms.Shape()...), y).Node()
}

// terms are the cross-entropies (B, 1) of features (B, E).
func (l *CrossEntropy) terms(x, labels graph.Expr) graph.Expr {
	g, dt, e := x.Graph(), x.Dtype(), x.Shape()[1]
	w := l.Params().Weight(g, classifierWeight, dt, uniform(1/math.Sqrt(float64(e))), l.Classes, e)
	l.rate(classifierWeight)
	if !l.Linear {
		x, w = graph.Normalize(x).Scale(orElse(l.Scale, 16)), graph.Normalize(w)
	}
	var b graph.Expr // (C, 1)
	if l.Linear {
		b = l.Params().Weight(g, classifierBias, dt, graph.Fill(0), l.Classes).Reshape(l.Classes, 1)
		l.rate(classifierBias)
	}
	if l.InBatch {
		w = graph.Gather(w, labels) // (B, E), of each sample's class
		if l.Linear {
			b = graph.Gather(b, labels)
		}
	}
	z := x.MatMulT(w) // (B, C) or (B, B)
	if l.Linear {
		z = z.Add(b.T())
	}
	if l.InBatch {
		return inBatch(z, labels, l.Smoothing)
	}
	return graph.CrossEntropy(z, labels, l.Smoothing)
}

// inBatch is the cross-entropy (B, 1) over the classes of the batch, of logits z (B, B)
// whose column j is of sample j's class. A class of n samples has n columns, each of
// which counts 1/n.
func inBatch(z, labels graph.Expr, smoothing float64) graph.Expr {
	n := graph.SameLabel(labels, labels).SumAxis(0) // (1, B)
	one := n.Constant(1, n.Shape()...)
	all := z.Detach().Constant(1, z.Shape()...)
	own := graph.RowSum(graph.Identity(z, z.Shape()[0]), z)
	sum := graph.RowLogSumExp(all, z.Sub(n.Log()), 0)
	loss := sum.Sub(own.Scale(1 - smoothing))
	if smoothing == 0 {
		return loss
	}
	each := z.Div(n).SumAxis(1).Div(one.Div(n).Sum())
	return loss.Sub(each.Scale(smoothing))
}

// rate gives a parameter the classifier's learning rate.
func (l *CrossEntropy) rate(name string) {
	if p := l.Params().Lookup(name); p != nil {
		p.LRScale = orElse(l.LRScale, 100)
	}
}

// uniform fills with numbers in [−bound, bound).
func uniform(bound float64) graph.Init {
	return func(rng *rand.Rand, _ tensor.Shape, dst []float64) {
		for i := range dst {
			dst[i] = (2*rng.Float64() - 1) * bound
		}
	}
}
