package losses

import (
	"math"
	"slices"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// Matryoshka learns embeddings whose beginnings are embeddings too, so that one network serves
// several sizes:
//
//	L = Σ over m in Sizes of c_m · Of(x_m),   x_m = x_{1…m} / ‖x_{1…m}‖
//
// where c_m are the Weights, 1 each if there are none. Who uses the first m numbers of an embedding
// divides them by their length, as here. With Raw they are taken as they are, for a loss of
// embeddings that are not normalised.
//
// A loss with weights of classes has them once, of the whole size, and at size m goes by their
// first m numbers: the paper's MRL-E. Such a loss is given x_m filled up with zeros; other losses
// get it as it is.
//
// A. Kusupati et al., "Matryoshka Representation Learning", NeurIPS 2022: with c_m = 1.
type Matryoshka struct {
	Of      Loss      `doc:"the loss"`
	Sizes   []int     `doc:"numbers that embeddings of each size have, such as [8, 16, 64]" min:"1" max:"65536" unset:"the size of the embedding, and its halves down to 8"`
	Weights []float64 `doc:"of the sizes, in their order" min:"0" max:"1e6" unset:"1 each"`
	Raw     bool      `doc:"the beginnings of embeddings are not normalised"`
}

var defaultMatryoshka = Matryoshka{Of: defaultContrastive}

func init() {
	Register("matryoshka", "a loss of embeddings whose beginnings are embeddings too (Kusupati 2022)", defaultMatryoshka)
}

var (
	_ Trainable = Matryoshka{}
	_ Termed    = Matryoshka{}
	_ Settable  = Matryoshka{}
)

func (l Matryoshka) within() []Loss { return []Loss{l.Of} }
func (Matryoshka) owns() bool       { return false }

// Loss returns a scalar.
func (l Matryoshka) Loss(b pairs.Batch) graph.Expr {
	if err := l.check(b); err != nil {
		return graph.Fail(err)
	}
	sizes := l.sizes(b)
	return weightedSum(len(sizes), l.Weights, func(i int) (graph.Expr, error) {
		term, err := exprOf(l.Of, l.shortened(b, sizes[i]))
		return term, errors.Wrapf(err, "losses: matryoshka: size %d", sizes[i])
	})
}

// Terms are those of the whole embedding, none if the loss does not tell them.
func (l Matryoshka) Terms(b pairs.Batch) pairs.Terms {
	if err := l.check(b); err != nil {
		return failed(err)
	}
	sizes := l.sizes(b)
	return termsOf(l.Of, l.shortened(b, slices.Max(sizes)))
}

func (l Matryoshka) check(b pairs.Batch) error {
	if err := check("matryoshka", l); err != nil {
		return err
	}
	if err := b.Check(); err != nil {
		return err
	}
	if e := b.X.Shape()[1]; len(l.Sizes) > 0 && slices.Max(l.Sizes) > e {
		return errors.Errorf("losses: matryoshka: a size of %d, but embeddings have %d numbers", slices.Max(l.Sizes), e)
	}
	if n := len(l.sizes(b)); l.Weights != nil && len(l.Weights) != n {
		return errors.Errorf("losses: matryoshka: %d weights for %d sizes, want one for each", len(l.Weights), n)
	}
	return nil
}

// sizes are Sizes or, if there are none, that of the embedding and its halves.
func (l Matryoshka) sizes(b pairs.Batch) []int {
	if len(l.Sizes) > 0 {
		return l.Sizes
	}
	const least = 8
	sizes := []int{b.X.Shape()[1]}
	for m := sizes[0] / 2; m >= least; m /= 2 {
		sizes = append(sizes, m)
	}
	slices.Reverse(sizes)
	return sizes
}

// shortened is the batch with the first m numbers of its embeddings.
func (l Matryoshka) shortened(b pairs.Batch, m int) pairs.Batch {
	e := b.X.Shape()[1]
	fill := hasLearned(l.Of)
	cut := func(x graph.Expr, normalise bool) graph.Expr {
		if x == (graph.Expr{}) || x.Err() != nil {
			return x
		}
		if m < e {
			x = x.Slice(1, 0, m)
		}
		if normalise {
			x = graph.Normalize(x)
		}
		if fill && m < e && x.Err() == nil {
			x = graph.Concat(1, x, x.Detach().Constant(0, x.Shape()[0], e-m))
		}
		return x
	}
	b.X, b.Ref, b.Raw = cut(b.X, !l.Raw), cut(b.Ref, !l.Raw), cut(b.Raw, false)
	return b
}

// Params are the loss's own; there may be none.
func (l Matryoshka) Params() *graph.Params { return innerParams(l.Of) }

// Classifies reports whether the loss does.
func (l Matryoshka) Classifies() bool { return Classifies(l.Of) }

// Set hands the setting on to the loss.
func (l Matryoshka) Set(s Setting) error {
	return set(l.Of, s)
}

// Validate says what does not go together.
func (l Matryoshka) Validate() error {
	if err := checkGiven(l.Of); err != nil {
		return err
	}
	if contains(l.Of, func(l Loss) bool { _, is := l.(*CrossBatchMemory); return is }) {
		return errors.New("a memory is of one size: put it around, as in cross-batch-memory(of=matryoshka(of=contrastive))")
	}
	for i, m := range l.Sizes {
		if slices.Contains(l.Sizes[:i], m) {
			return errors.Errorf("the size %d is given twice", m)
		}
	}
	if len(l.Sizes) > 0 && l.Weights != nil && len(l.Weights) != len(l.Sizes) {
		return errors.Errorf("%d weights for %d sizes, want one for each", len(l.Weights), len(l.Sizes))
	}
	return checkWeights(l.Weights)
}

// checkWeights is an error where all weights of a sum are 0, or one is no number.
func checkWeights(weights []float64) error {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	if len(weights) > 0 && !(sum > 0) || math.IsInf(sum, 1) {
		return errors.Errorf("the weights are %g, want numbers of at least 0, one of them above it", weights)
	}
	return nil
}
