package pairs

import (
	"fmt"
	"math"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/graph"
)

// ClassWeighted multiplies each term by the weight of its anchor's class and reduces them as
// Of does. Bounds of Of are those of terms before they are multiplied, and an average divides
// by the number of terms, not by the sum of weights.
type ClassWeighted struct {
	Weights []float64 `doc:"of the classes 0, 1, 2, …, at least 0" min:"0"` // labels must be 0 … len−1
	Of      Reducer   `doc:"what reduces the weighted terms" none:"mean"`
}

// Reduce makes one number of the terms.
func (r ClassWeighted) Reduce(t Term) graph.Expr {
	if err := r.Validate(); err != nil {
		return graph.Fail(err)
	}
	if len(r.Weights) == 0 {
		return graph.Fail(errors.New("pairs: class-weighted: no weights, want one for each class"))
	}
	if t.Labels.Err() != nil {
		return t.Labels
	}
	return ofOr(r.Of).Reduce(t.Weighted(r.of(t.Labels)))
}

// Validate says what is wrong with the weights.
func (r ClassWeighted) Validate() error {
	for class, w := range r.Weights {
		if !(w >= 0) || math.IsInf(w, 1) {
			return errors.Errorf("pairs: class-weighted: the weight of class %d is %g, want a number of at least 0", class, w)
		}
	}
	return nil
}

// of is the weight of each label, (B, 1).
func (r ClassWeighted) of(labels graph.Expr) graph.Expr {
	g, dt := labels.Graph(), labels.Dtype()
	table, err := graph.Tensor(r.Weights, dt, len(r.Weights), 1)
	if err != nil {
		return graph.Fail(errors.Wrap(err, "pairs: class-weighted"))
	}
	// Gorgonia merges inputs of one name, so the name holds the weights.
	name := fmt.Sprintf("class weights %v", r.Weights)
	n := gorgonia.NewTensor(g, dt, 2, gorgonia.WithName(name), gorgonia.WithShape(table.Shape()...), gorgonia.WithValue(table))
	return graph.Gather(graph.Data(n), labels)
}
