package losses

import (
	"reflect"

	"github.com/pkg/errors"

	"medusa/internal/catalog"
)

// check returns an error if a field of the loss of that name is out of its range, by the field's tags or
// the loss's method Validate. So a literal in Go may hold no more than a text may.
func check(name string, l Loss) error {
	if err := checkGiven(l); err != nil {
		return err
	}
	return checkFields(name, l)
}

// checkFields is check of a struct, or a pointer to one.
func checkFields(name string, of any) error {
	v := reflect.Indirect(reflect.ValueOf(of))
	params, err := catalog.Parameters(v.Type())
	if err != nil {
		return errors.Wrapf(err, "losses: %s", name)
	}
	for _, p := range params {
		if err := p.Check(p.Value(v)); err != nil {
			return errors.Wrapf(err, "losses: %s: %s", name, p.Name)
		}
	}
	if c, ok := of.(interface{ Validate() error }); ok {
		return errors.Wrapf(c.Validate(), "losses: %s", name)
	}
	return nil
}

// margin is a field in units of the metric.
type margin struct {
	name  string
	value float64
}

// notBelow0 refuses negative margins in units of a distance. In units of a similarity they are allowed.
func notBelow0(similarity bool, margins ...margin) error {
	for _, m := range margins {
		if m.value < 0 && !similarity {
			return errors.Errorf("%s is %g, want at least 0: the metric is a distance", m.name, m.value)
		}
	}
	return nil
}
