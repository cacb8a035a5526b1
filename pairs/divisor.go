package pairs

import (
	"math"

	"github.com/pkg/errors"

	"medusa/graph"
)

// Divisor is the sum of the terms over a number: By or, if that is 0, the sub-loss's own
// divisor, such as the number of classes with a pair in the batch. Over a divisor of 0 it is 0.
type Divisor struct {
	By float64 `doc:"what the sum is divided by" min:"0" max:"1e300" unset:"the loss's own divisor"`
}

// Reduce makes one number of the terms.
func (r Divisor) Reduce(t Term) graph.Expr {
	if !(r.By >= 0) || math.IsInf(r.By, 1) {
		return graph.Fail(errors.Errorf("pairs: divisor: by %g, want a number of at least 0", r.By))
	}
	sum, _ := t.Sums()
	if sum.Err() != nil {
		return sum
	}
	if r.By > 0 {
		return sum.Sum().Scale(1 / r.By)
	}
	if !given(t.Divisor) {
		return graph.Fail(errors.Errorf("pairs: divisor: the sub-loss %q has no divisor of its own: say what to divide by in By, or take another reducer", t.Name))
	}
	d := t.Divisor.Detach()
	none := d.Is(0)
	return sum.Sum().Mul(none.Not()).Div(d.Add(none))
}
