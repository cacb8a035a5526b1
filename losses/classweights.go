package losses

import (
	"cmp"
	"math"
	"math/rand/v2"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/miners"
	"medusa/pairs"
)

// ClassWeights is what losses with weight vectors of the training classes have in common: a
// classifier's, proxies, centers. They are learned beside the network, and are no part of the model
// that is used afterwards, since the classes then are others.
//
// A class's vectors get a gradient of note only in the batches that show the class, so with many
// classes they must learn faster than the network: hence the LRScale.
//
// A miner, and the selection of a batch, chooses pairs and triplets; to these losses it says how
// much each sample weighs: in how many of the chosen it is, over the largest such number.
type ClassWeights struct {
	On      Source        `doc:"what is compared with the classes: the embedding, the same before it is normalised, or the trunk's features" choices:"embedding,raw,trunk" unset:"embedding"`
	LRScale float64       `doc:"learning rate of the classes' weights over that of the network" min:"1e-6" max:"1e6"`
	Miner   miners.Miner  `doc:"whose choice weighs the samples, by how many of the chosen pairs and triplets each is in" none:"all weigh the same"`
	Reducer pairs.Reducer `doc:"how terms become one number" none:"mean, or of proxy-anchor divisor"`

	// Regularizer is added to the loss, of the weights of all classes.
	Regularizer Regularizer `doc:"what is added for the weights of the classes, such as 0.1*regular-face" none:"nothing"`

	Classes int    `name:"-"` // C; labels are 0 … C−1
	Seed    uint64 `name:"-"` // of the initial weights

	params *graph.Params
}

// Source is what a loss with weights of classes reads of a network.
type Source string

// The sources, from the network's end to its beginning.
const (
	OnEmbedding Source = "embedding" // (B, E), normalised unless the network says otherwise
	OnRaw       Source = "raw"       // (B, E), before it is normalised
	OnTrunk     Source = "trunk"     // (B, F), before the embedding layer
)

var defaultWeights = ClassWeights{On: OnEmbedding, LRScale: 10, Reducer: pairs.Mean{}}

// The names of parameters: the vectors of the classes (C·V, E), V of each class, those of one class
// in a row; and a bias (C).
const (
	classifierWeight = "classifier.weight"
	classifierBias   = "classifier.bias"
	proxyWeight      = "proxies"
	centerWeight     = "centers"
)

// Params are the weights of the classes, such as "classifier.weight" (C, E), and what the loss
// carries from step to step, made when the loss is first built.
func (l *ClassWeights) Params() *graph.Params {
	return ownParams(&l.params, l.Seed)
}

// Classifies is true: the loss learns from each sample alone.
func (l *ClassWeights) Classifies() bool { return true }

// Set takes the number of classes and the seed from the data and the run.
func (l *ClassWeights) Set(s Setting) error {
	l.Classes, l.Seed = s.Classes, s.Seed
	if s.Classes < 2 {
		return errors.Errorf("a classifier of %d classes; it needs the training data's number of classes, at least 2", s.Classes)
	}
	if l.On == OnTrunk && s.TrunkSize == 0 {
		return errors.New("on=trunk, but this network has no features before its embedding; take on=embedding")
	}
	return nil
}

func (l *ClassWeights) weights() *ClassWeights { return l }

// weighed is a loss with weights of classes.
type weighed interface {
	Trainable
	Termed
	weights() *ClassWeights
}

// lossOf is the loss of its terms.
func lossOf(l weighed, b pairs.Batch) graph.Expr {
	if err := checkGiven(l); err != nil {
		return graph.Fail(err)
	}
	w := l.weights()
	loss := l.Terms(b).Reduce(cmp.Or(w.Reducer, defaultWeights.Reducer))
	return addRegularizer(loss, w.Regularizer, w.Params(), w.Classes)
}

// open returns what the loss of that name compares with the classes: embeddings (B, E) or features (B, F).
func (l *ClassWeights) open(name string, b pairs.Batch) (x graph.Expr, err error) {
	if l.Classes < 1 {
		return x, errors.Errorf("losses: %s over %d classes, want the number of training classes", name, l.Classes)
	}
	if err := b.NoReference(name); err != nil {
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
		return x, errors.Errorf("losses: %s reads the %s, which is not given; let it read the embedding, or give the batch its %s", name, l.On, l.On)
	}
	if err := x.Err(); err != nil {
		return x, err
	}
	if s := x.Shape(); s.Dims() != 2 || s[0] != b.X.Shape()[0] {
		return x, errors.Errorf("losses: %s of features of shape %v, want (%d, F)", name, s, b.X.Shape()[0])
	}
	return x, nil
}

// vectors are the weights (C·v, E) for x (B, E), v of each class.
func (l *ClassWeights) vectors(name string, x graph.Expr, v int) graph.Expr {
	if l.Classes > maxClasses/v {
		return graph.Fail(errors.Errorf("losses: %d classes of %d vectors, want at most %d vectors in all, whose numbers float32 holds exactly", l.Classes, v, maxClasses))
	}
	e := x.Shape()[1]
	return l.weight(name, x, uniform(1/math.Sqrt(float64(e))), l.Classes*v, e)
}

// maxClasses bounds numbers of classes.
const maxClasses = 1 << 24

// weight is a parameter with the learning rate of the classes.
func (l *ClassWeights) weight(name string, x graph.Expr, init graph.Init, shape ...int) graph.Expr {
	if err := l.Params().LearnAt(name, l.LRScale); err != nil {
		return graph.Fail(err)
	}
	return l.Params().Weight(x.Graph(), name, x.Dtype(), init, shape...)
}

// uniform fills with numbers in [−bound, bound).
func uniform(bound float64) graph.Init {
	return func(rng *rand.Rand, _ tensor.Shape, dst []float64) {
		for i := range dst {
			dst[i] = (2*rng.Float64() - 1) * bound
		}
	}
}

// samples is the sub-loss of terms (B, 1) of the samples, weighed by what was chosen of the batch. Each
// counts as active, since a softmax always teaches.
func (l *ClassWeights) samples(b pairs.Batch, terms graph.Expr) pairs.Terms {
	t := b.Rows("loss", terms).NeverIdle()
	if w, some := l.sampleWeights(b, false); some {
		t = t.Weighted(w)
	}
	return pairs.Terms{t}
}

// sampleWeights are those of pairs.Batch, of what the loss's miner chooses.
func (l *ClassWeights) sampleWeights(b pairs.Batch, anchors bool) (weights graph.Expr, some bool) {
	return miners.Choose(l.Miner, b, nil).SampleWeights(anchors)
}

// running is a number, (1, 1), that the loss carries from step to step. before is what the last step left,
// initial in the first step; keep stores what the next step will find.
func (l *ClassWeights) running(name string, x graph.Expr, initial float64) (before graph.Expr, keep func(graph.Expr) error) {
	q := l.Params().Queue(x.Graph(), name, x.Dtype(), graph.Fill(initial), 1)
	// A copy: the step overwrites the buffer.
	before = l.Params().Buffer(x.Graph(), name, x.Dtype(), graph.Fill(initial), 1).Reshape(1, 1)
	return before, func(next graph.Expr) error { return q.Push(next.Reshape(1)).Err() }
}
