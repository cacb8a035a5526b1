package pairs

import (
	"maps"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/catalog"
)

// Multiple reduces each sub-loss in a way of its own.
type Multiple struct {
	By   map[string]Reducer `doc:"reducers by the name of the sub-loss, such as {pos: sum, neg: non-zero}"`
	Else Reducer            `doc:"what reduces other sub-losses" none:"mean"`
}

// Reduce makes one number of the terms.
func (r Multiple) Reduce(t Term) graph.Expr {
	by, ok := r.By[t.Name]
	if ok && by == nil {
		return graph.Fail(errors.Errorf("pairs: multiple: the reducer of %q is nil", t.Name))
	}
	if !ok {
		by = ofOr(r.Else)
	}
	return by.Reduce(t)
}

// checkNames is an error for a reducer of a sub-loss that is not there, or one that is a nil
// pointer.
func checkNames(r Reducer, ts Terms) error {
	if r != nil && catalog.IsNil(r) {
		return errors.Errorf("pairs: the reducer is a nil %T", r)
	}
	switch r := r.(type) {
	case Threshold:
		return checkNames(r.Of, ts)
	case PerAnchor:
		return checkNames(r.Of, ts)
	case ClassWeighted:
		return checkNames(r.Of, ts)
	case Multiple:
		return r.checkNames(ts)
	}
	return nil
}

func (r Multiple) checkNames(ts Terms) error {
	var names []string
	for _, t := range ts {
		names = append(names, t.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(r.By)) {
		if !slices.Contains(names, name) {
			return errors.Errorf("pairs: multiple: no sub-loss is named %q; this loss has %s", name, strings.Join(names, ", "))
		}
		if err := checkNames(r.By[name], ts); err != nil {
			return err
		}
	}
	return checkNames(r.Else, ts)
}
