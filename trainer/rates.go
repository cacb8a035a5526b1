package trainer

import (
	"cmp"
	"maps"
	"slices"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/catalog"
)

// scaleRates gives the parameters of prefixes other learning rates; the longest prefix counts.
func scaleRates(params *graph.Params, scales map[string]float64) error {
	prefixes := slices.SortedFunc(maps.Keys(scales), func(a, b string) int { return cmp.Compare(len(a), len(b)) })
	for _, p := range prefixes {
		if err := params.ScaleLR(p, scales[p]); err != nil {
			return errors.WithMessage(err, "trainer: LRScales")
		}
	}
	return nil
}

// checkRates returns an error for a prefix of learning rates that no parameter's name begins with,
// whether it came from scales or from a backbone or a loss that set it in params.
func checkRates(params *graph.Params, scales map[string]float64) error {
	for _, p := range slices.Sorted(maps.Keys(scales)) {
		if len(params.Under(p)) == 0 {
			return errors.Errorf("trainer: LRScales has %q, and no parameter's name begins so; names are such as %s", p, params.All()[0].Name)
		}
	}
	if idle := params.Idle(); len(idle) > 0 {
		return errors.Errorf("trainer: the backbone or the loss sets the learning rate of %q (by ScaleLR or LearnAt), and no parameter's name begins so; names are such as %s", idle[0], params.All()[0].Name)
	}
	return nil
}

// sameRates takes over the scales of a run that goes on. If o gives scales, they must equal those that
// the run was begun with. A function of rates is not stored, so it must be given again.
func (o *Options) sameRates(begun state) error {
	if o.LRScales != nil && !maps.Equal(begun.LRScales, o.LRScales) {
		return errors.Errorf("trainer: the run was begun with the learning-rate scales %v, and is to go on with %v: leave Options.LRScales out", begun.LRScales, o.LRScales)
	}
	o.LRScales = begun.LRScales
	given := ""
	if o.Rate != nil {
		given = catalog.Describe(o.Rate)
	}
	switch {
	case given == begun.Rate:
		return nil
	case given == "":
		return errors.Errorf("trainer: the run in %s was begun with Options.Rate = %s, which no file can hold: give it again", o.Dir, begun.Rate)
	}
	return errors.Errorf("trainer: the run in %s was begun with %s, and is to go on with Options.Rate = %s: give the same again", o.Dir, cmp.Or(begun.Rate, "no Options.Rate"), given)
}
