package trainer

import (
	"cmp"
	"maps"
	"slices"

	"github.com/pkg/errors"

	"medusa/graph"
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

// checkRates refuses a prefix that no parameter has.
func checkRates(params *graph.Params, scales map[string]float64) error {
	for _, p := range slices.Sorted(maps.Keys(scales)) {
		if len(params.Under(p)) == 0 {
			return errors.Errorf("trainer: LRScales has %q, and no parameter's name begins so; names are such as %s", p, params.All()[0].Name)
		}
	}
	return nil
}

// sameRates is what a run goes on with that was begun with certain scales; those given may be
// left out, and must be the same otherwise.
func sameRates(begun, given map[string]float64) (map[string]float64, error) {
	if given != nil && !maps.Equal(begun, given) {
		return nil, errors.Errorf("trainer: the run was begun with the learning-rate scales %v, and is to go on with %v: leave Options.LRScales out", begun, given)
	}
	return begun, nil
}
