package pairs

import (
	"cmp"
	"math"

	"github.com/pkg/errors"

	"medusa/graph"
)

// Threshold reduces the terms t with Low < t < High as Of does. Threshold{} is NonZero;
// math.Inf(-1) as Low is no bound.
type Threshold struct {
	Low  float64 `doc:"only terms above count; -inf: no bound" min:"-inf" max:"1e300"`
	High float64 `doc:"only terms below count; inf: no bound" above:"0" max:"inf" unset:"inf"`
	Of   Reducer `doc:"what reduces them" none:"mean"`
}

// Reduce makes one number of the terms.
func (r Threshold) Reduce(t Term) graph.Expr {
	if err := r.Validate(); err != nil {
		return graph.Fail(err)
	}
	return ofOr(r.Of).Reduce(t.Between(r.Low, cmp.Or(r.High, math.Inf(1))))
}

// Validate says what is wrong with the bounds.
func (r Threshold) Validate() error {
	if high := cmp.Or(r.High, math.Inf(1)); !(r.Low < high) {
		return errors.Errorf("pairs: threshold: it counts terms between %g and %g, want low < high", r.Low, high)
	}
	return nil
}
