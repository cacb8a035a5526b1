package losses

import (
	"cmp"
	"math"
	"math/rand/v2"
	"sync"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

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
// With BatchClasses only the classes of the batch compete, so that c goes over them alone. This
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
	Head      Head          `name:"classifier" doc:"cosine of normalised vectors, or linear with bias" choices:"cosine,linear" unset:"cosine"`
	Scale     float64       `doc:"s, what cosines are multiplied with" min:"1e-3" max:"1e4"`
	Smoothing float64       `doc:"ε, label smoothing" min:"0" max:"0.999"`
	Compete   Competitors   `name:"classes" doc:"which classes compete: all, or those of the batch (sampled softmax)" choices:"all,batch" unset:"all"`
	On        Source        `doc:"what is classified: the embedding, the same before it is normalised, or the trunk's features" choices:"embedding,raw,trunk" unset:"embedding"`
	LRScale   float64       `doc:"learning rate of the classifier over that of the network" min:"1e-6" max:"1e6"`
	Reducer   pairs.Reducer `doc:"how the samples' terms become one number" none:"mean"`

	// Regularizer is added to the loss, of the weights of all classes.
	Regularizer Regularizer `doc:"what is added for the weights of the classes, such as 0.1*regular-face" none:"nothing"`

	Classes int    `name:"-"` // C; labels are 0 … C−1
	Seed    uint64 `name:"-"` // of the classifier's initial weights

	params *graph.Params
}

// Head names a kind of classifier.
type Head string

// The classifiers.
const (
	CosineHead Head = "cosine"
	LinearHead Head = "linear"
)

// Competitors says which classes compete in a softmax.
type Competitors string

// Which classes compete.
const (
	AllClasses   Competitors = "all"
	BatchClasses Competitors = "batch"
)

// Source is what a classifier reads of a network.
type Source string

// The sources, from the network's end to its beginning.
const (
	OnEmbedding Source = "embedding" // (B, E), normalised unless the network says otherwise
	OnRaw       Source = "raw"       // (B, E), before it is normalised
	OnTrunk     Source = "trunk"     // (B, F), before the embedding layer
)

var defaultCrossEntropy = &CrossEntropy{Head: CosineHead, Scale: 16, Compete: AllClasses, On: OnEmbedding, LRScale: 100, Reducer: pairs.Mean{}}

func init() {
	Register("ce", "cross-entropy of a classifier over the training classes, dropped afterwards", defaultCrossEntropy)
}

var (
	_ Trainable = (*CrossEntropy)(nil)
	_ Termed    = (*CrossEntropy)(nil)
	_ Settable  = (*CrossEntropy)(nil)
)

// The names of the classifier's parameters, (C, E) and (C).
const (
	classifierWeight = "classifier.weight"
	classifierBias   = "classifier.bias"
)

// makingClassifiers is locked while a loss makes its set of parameters. It is none of the loss,
// which may be copied until then.
var makingClassifiers sync.Mutex

// Params are the classifier's weights "classifier.weight" (C, E) and, with the linear classifier,
// "classifier.bias" (C), made when the loss is first built.
func (l *CrossEntropy) Params() *graph.Params {
	if l == nil {
		return graph.NewParams(0) // Loss tells the error
	}
	makingClassifiers.Lock()
	defer makingClassifiers.Unlock()
	if l.params == nil {
		l.params = graph.NewParams(l.Seed)
	}
	return l.params
}

// Classifies is true.
func (l *CrossEntropy) Classifies() bool { return true }

// Set takes the number of classes and the seed from the data and the run.
func (l *CrossEntropy) Set(s Setting) error {
	l.Classes, l.Seed = s.Classes, s.Seed
	if s.Classes < 2 {
		return errors.Errorf("a classifier of %d classes; it needs the training data's number of classes, at least 2", s.Classes)
	}
	if l.On == OnTrunk && s.TrunkSize == 0 {
		return errors.New("on=trunk, but this network has no features before its embedding; take on=embedding")
	}
	return nil
}

// Loss returns a scalar.
func (l *CrossEntropy) Loss(b pairs.Batch) graph.Expr {
	if err := given(l); err != nil {
		return graph.Fail(err)
	}
	loss := l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultCrossEntropy.Reducer))
	return addRegularizer(loss, l.Regularizer, l.Params(), l.Classes)
}

// Terms are those of the samples, of which each always teaches.
func (l *CrossEntropy) Terms(b pairs.Batch) pairs.Terms {
	if err := check("ce", l); err != nil {
		return failed(err)
	}
	if l.Classes < 1 {
		return failed(errors.Errorf("losses: cross-entropy over %d classes, want the number of training classes", l.Classes))
	}
	x, err := l.features(b)
	if err != nil {
		return failed(err)
	}
	terms := l.terms(x, b.Labels) // (B, 1)
	if l.linear() {               // of an infinite embedding logits may be infinite, and their loss 0
		terms = terms.Add(x.Detach().Scale(0).SumAxis(1))
	}
	return pairs.Terms{b.Rows("loss", terms).NeverIdle()}
}

// features are what is classified, (B, E) or (B, F).
func (l *CrossEntropy) features(b pairs.Batch) (x graph.Expr, err error) {
	if err := unselected(b, "the cross-entropy"); err != nil {
		return x, err
	}
	if err := b.Check(); err != nil {
		return x, err
	}
	switch l.On {
	case OnRaw:
		x = b.Raw
	case OnTrunk:
		x = b.Trunk
	default:
		return b.X, nil
	}
	if x == (graph.Expr{}) {
		return x, errors.Errorf("losses: the cross-entropy classifies the %s, which is not given; classify the embedding, or give the batch its %s", l.On, l.On)
	}
	if err := x.Err(); err != nil {
		return x, err
	}
	if s := x.Shape(); s.Dims() != 2 || s[0] != b.X.Shape()[0] {
		return x, errors.Errorf("losses: cross-entropy of features of shape %v, want (%d, F)", s, b.X.Shape()[0])
	}
	return x, nil
}

func (l *CrossEntropy) linear() bool { return l.Head == LinearHead }

// terms are the cross-entropies (B, 1) of features (B, E).
func (l *CrossEntropy) terms(x, labels graph.Expr) graph.Expr {
	g, dt, e := x.Graph(), x.Dtype(), x.Shape()[1]
	w := l.weight(g, classifierWeight, dt, uniform(1/math.Sqrt(float64(e))), l.Classes, e)
	if !l.linear() {
		x, w = graph.Normalize(x).Scale(l.Scale), graph.Normalize(w)
	}
	var b graph.Expr // (C, 1)
	if l.linear() {
		b = l.weight(g, classifierBias, dt, graph.Fill(0), l.Classes).Reshape(l.Classes, 1)
	}
	if l.Compete == BatchClasses {
		w = graph.Gather(w, labels) // (B, E), of each sample's class
		if l.linear() {
			b = graph.Gather(b, labels)
		}
	}
	z := x.MatMulT(w) // (B, C) or (B, B)
	if l.linear() {
		z = z.Add(b.T())
	}
	if l.Compete == BatchClasses {
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

// weight is a parameter with the classifier's learning rate.
func (l *CrossEntropy) weight(g *gorgonia.ExprGraph, name string, dt tensor.Dtype, init graph.Init, shape ...int) graph.Expr {
	if err := l.Params().LearnAt(name, l.LRScale); err != nil {
		return graph.Fail(err)
	}
	return l.Params().Weight(g, name, dt, init, shape...)
}

// uniform fills with numbers in [−bound, bound).
func uniform(bound float64) graph.Init {
	return func(rng *rand.Rand, _ tensor.Shape, dst []float64) {
		for i := range dst {
			dst[i] = (2*rng.Float64() - 1) * bound
		}
	}
}
