package losses

import (
	"fmt"
	"math"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/graph"
)

// Reducer makes one number of a loss's terms, which belong to pairs, triplets or
// anchors. Its zero value is the loss's own default.
type Reducer struct {
	How Reduction
	// Only terms t with Low < t < High count; 0 is no bound.
	Low, High float64
	// ClassWeights multiplies each term by the weight of its anchor's class, the entry of
	// that number. nil is all 1. Labels must be 0 … len−1.
	ClassWeights []float64
}

// Reduction names how terms become one number. Over no terms each is 0.
type Reduction string

// The reductions.
const (
	Mean    Reduction = "mean"    // average of the terms
	NonZero Reduction = "nonzero" // average of the terms above 0
	Sum     Reduction = "sum"
	// PerAnchor averages each anchor's terms and then all B anchors, those without terms
	// as 0.
	PerAnchor Reduction = "per-anchor"
)

// Reductions lists the reductions by name.
func Reductions() []string {
	return []string{string(Mean), string(NonZero), string(Sum), string(PerAnchor)}
}

// or is r with the loss's default reduction.
func (r Reducer) or(def Reduction) (Reducer, error) {
	if r.How == "" {
		r.How = def
	}
	switch r.How {
	case Mean, NonZero, Sum, PerAnchor:
	default:
		return r, errors.Errorf("losses: unknown reduction %q, want one of %v", r.How, Reductions())
	}
	if !(r.Low >= 0 && r.High >= 0) || math.IsInf(r.Low, 1) || r.High > 0 && r.High <= r.Low {
		return r, errors.Errorf("losses: reducer counts terms between %g and %g, want 0 ≤ low < high", r.Low, r.High)
	}
	for class, w := range r.ClassWeights {
		if !(w >= 0) || math.IsInf(w, 1) {
			return r, errors.Errorf("losses: the weight of class %d is %g, want a number of at least 0", class, w)
		}
	}
	return r, nil
}

// bounds are those of the terms that count; a negative low counts zeros too.
func (r Reducer) bounds() (low, high float64) {
	if r.How == NonZero || r.Low > 0 {
		return r.Low, r.High
	}
	return -1, r.High
}

// reduce makes one number of terms, all at least 0, of shape (B, B) or (B, 1), a row an
// anchor, where mask is 1.
func (r Reducer) reduce(terms, mask, labels graph.Expr) graph.Expr {
	low, high := r.bounds()
	sums, counts := graph.RowTerms(mask, terms, low, high)
	return r.total(sums, counts, labels)
}

// total makes one number of each anchor's sum of terms and their number, both (B, 1).
func (r Reducer) total(sums, counts, labels graph.Expr) graph.Expr {
	counts = counts.Detach()
	if r.ClassWeights != nil {
		sums = sums.Mul(r.weights(labels))
	}
	one := counts.Constant(1)
	switch r.How {
	case Sum:
		return sums.Sum()
	case PerAnchor:
		return sums.Div(counts.Max(one)).Mean()
	}
	return sums.Sum().Div(counts.Sum().Max(one))
}

// weights is the class weight of each label, (B, 1).
func (r Reducer) weights(labels graph.Expr) graph.Expr {
	if labels.Err() != nil {
		return labels
	}
	g, dt := labels.Graph(), labels.Dtype()
	table, err := graph.Tensor(r.ClassWeights, dt, len(r.ClassWeights), 1)
	if err != nil {
		return graph.Fail(errors.Wrap(err, "losses: class weights"))
	}
	// Gorgonia merges inputs of one name, so the name holds the weights.
	name := fmt.Sprintf("class weights %v", r.ClassWeights)
	n := gorgonia.NewTensor(g, dt, 2, gorgonia.WithName(name), gorgonia.WithShape(table.Shape()...), gorgonia.WithValue(table))
	return graph.Gather(graph.Data(n), labels)
}
