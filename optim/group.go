package optim

import (
	"math"
	"path"
	"slices"
	"strings"

	"github.com/pkg/errors"
)

// Group says how some parameters differ from the others. Of several groups that a parameter is in
// all factors count.
type Group struct {
	// Names is what their names begin with, such as "backbone.layer1.", or a pattern of whole names,
	// in which * stands for any text, such as "*.bias".
	Names string
	// LR is their learning rate ÷ that of the others, above 0. Parameters are frozen by
	// graph.Params.ScaleLR, which makes no gradient for them.
	LR float64
	// Decay is their weight decay ÷ that of the others; 0 is none.
	Decay float64
}

// has reports whether a parameter is in the group.
func (g Group) has(name string) bool {
	if !strings.Contains(g.Names, "*") {
		return strings.HasPrefix(name, g.Names)
	}
	ok, _ := path.Match(g.Names, name) // which check tried
	return ok
}

// check refuses a group that cannot be meant; names are those of all parameters.
func (g Group) check(names []string) error {
	if _, err := path.Match(g.Names, ""); err != nil || g.Names == "" {
		return errors.Errorf("optim: Group.Names is %q, want the beginning of names, or a pattern such as *.bias", g.Names)
	}
	if !(g.LR > 0) || math.IsInf(g.LR, 1) {
		return errors.Errorf("optim: the group %q has an LR of %v, want a factor above 0, such as 1: parameters are frozen by graph.Params.ScaleLR", g.Names, g.LR)
	}
	if !(g.Decay >= 0) || math.IsInf(g.Decay, 1) {
		return errors.Errorf("optim: the group %q has a Decay of %v, want a factor of at least 0", g.Names, g.Decay)
	}
	if !slices.ContainsFunc(names, g.has) {
		return errors.Errorf("optim: no parameter that is learned is in the group %q; names are such as %s", g.Names, names[0])
	}
	return nil
}

// LayerDecay is a group for each layer, of the names given from the input on: the last learns at
// the full rate, and each before it at factor times the rate of the next, as in fine-tuning (H. Bao,
// L. Dong, S. Piao and F. Wei, "BEiT", ICLR 2022).
func LayerDecay(factor float64, layers ...string) []Group {
	groups := make([]Group, len(layers))
	rate := 1.0
	for i, names := range slices.Backward(layers) {
		groups[i] = Group{Names: names, LR: rate, Decay: 1}
		rate *= factor
	}
	return groups
}
