package losses

import (
	"math"
	"reflect"

	"github.com/pkg/errors"

	"medusa/graph"
)

// field is a number of a loss, with the parameter that says what it may be.
type field struct {
	parameter string
	value     float64
}

// inRange checks fields of the loss of that name against the bounds of its parameters, so
// that a literal in Go may hold what a name's parameter may.
func inRange(loss string, fields ...field) error {
	e, ok := lookup(loss)
	if !ok {
		return errors.Errorf("losses: no loss is named %q", loss)
	}
	for _, f := range fields {
		for _, p := range e.Parameters {
			if p.Name != f.parameter {
				continue
			}
			if math.IsNaN(f.value) || p.inRange(f.value) != nil {
				return errors.Errorf("losses: %s: %s is %g, want %s", loss, p.Name, f.value, p.bounds())
			}
		}
	}
	return nil
}

// notBelow0 checks fields that in units of a distance cannot be negative; those of a
// similarity can.
func notBelow0(loss string, m graph.Metric, fields ...field) error {
	for _, f := range fields {
		if f.value < 0 && !m.Similarity() {
			return errors.Errorf("losses: %s: %s is %g, want at least 0: the metric is a distance", loss, f.parameter, f.value)
		}
	}
	return nil
}

// given returns an error for a loss that is nil, or a nil pointer or function in a Loss.
func given(l Loss) error {
	if l == nil {
		return errors.New("losses: the loss is nil")
	}
	if v := reflect.ValueOf(l); (v.Kind() == reflect.Pointer || v.Kind() == reflect.Func) && v.IsNil() {
		return errors.Errorf("losses: the loss is a nil %T", l)
	}
	return nil
}
