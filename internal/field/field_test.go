package field

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/assert"
)

func flag(field, value string) string {
	name := "-" + strings.ToLower(strings.ReplaceAll(field, ".", "-"))
	if value != "" {
		name += " " + value
	}
	return name
}

func TestASettingIsToldWithItsValue(t *testing.T) {
	e := Errorf("trainer", "Data", "want classes: %s, or %s", Setting{"Val", "0.1"}, Setting{"Test", ""})
	assert.Equal(t, "trainer: want classes: Data.Val: 0.1, or Data.Test", e.Error())
	assert.Equal(t, "want classes: -data-val 0.1, or -data-test", e.In(flag))
	assert.Equal(t, []string{"Data.Val", "Data.Test"}, e.Fields())
}

func TestEachReaderSeesTheNameThatTheyKnow(t *testing.T) {
	e := Errorf("nets", "", "%s is %d and %s %q, want one of them", Name("Depth"), 3, Name("Width"), "Depth %s")
	assert.Equal(t, `nets: Depth is 3 and Width "Depth %s", want one of them`, e.Error())
	assert.Equal(t, `-depth is 3 and -width "Depth %s", want one of them`, e.In(flag), "what a person wrote is left alone")
	assert.Equal(t, []string{"Depth", "Width"}, e.Fields())

	wrapped := errors.Wrap(e, "trainer: building")
	assert.Same(t, wrapped, Under(wrapped, "trainer", "Net"))
	assert.Equal(t, `trainer: building: trainer: Net.Depth is 3 and Net.Width "Depth %s", want one of them`, wrapped.Error())
	assert.Equal(t, `building: -net-depth is 3 and -net-width "Depth %s", want one of them`, Told(wrapped, flag))
	cause := Errorf("trainer", "", "%s: %v", Name("Loss"), errors.Wrap(io.EOF, "losses: no name"))
	assert.Equal(t, "trainer: Loss: no name: EOF", cause.Error(), "one name of a package is enough")
	assert.ErrorIs(t, cause, io.EOF)
	assert.Equal(t, io.EOF, Under(io.EOF, "trainer", "Net"), "an error about nothing of ours")
}

func TestAFlagOfTwoFieldsIsNamedOnce(t *testing.T) {
	e := Errorf("nets", "Net", "%s: 3×4 is too large; see %s", Names{"Height", "Width"}, Names{"Height", "Norm", "Width"})
	assert.Equal(t, "nets: Net.Height and Net.Width: 3×4 is too large; see Net.Height, Net.Norm and Net.Width", e.Error())
	assert.Equal(t, []string{"Net.Height", "Net.Width", "Net.Norm"}, e.Fields())
	size := func(field, _ string) string {
		if field == "Net.Norm" {
			return "-norm"
		}
		return "-size"
	}
	assert.Equal(t, "-size: 3×4 is too large; see -size and -norm", e.In(size))
}

type both [2]error

func (b both) Error() string   { return b[0].Error() + "; and then: " + b[1].Error() }
func (b both) Unwrap() []error { return b[:] }

func TestTold(t *testing.T) {
	lr := Errorf("trainer", "Solver", "%s is -1", Name("LR"))
	for want, err := range map[string]error{
		"-solver-lr is -1":                               lr,
		"EOF":                                            errors.Wrap(errors.Wrap(io.EOF, "graph"), "trainer"),
		"reading x: EOF":                                 errors.Wrap(errors.Wrap(io.EOF, "trainer: reading x"), "trainer"),
		"step 3: no room":                                errors.Wrap(errors.New("graph: no room"), "trainer: step 3"),
		"-out: run folder x is not empty":                errors.WithMessage(errors.New("trainer: run folder x is not empty"), "-out"),
		"-solver-lr is -1; and then: no room":            both{lr, errors.New("graph: no room")},
		"a middle (no room) of it":                       fmt.Errorf("trainer: a middle (%w) of it", errors.New("gpu: no room")),
		"datasets/trainer: x: EOF":                       errors.Wrap(io.EOF, "datasets/trainer: x"),
		"graphs: no name of a package of ours":           errors.New("graphs: no name of a package of ours"),
		"class trainer: the word in a name is left: EOF": errors.Wrap(io.EOF, "datasets: class trainer: the word in a name is left"),
	} {
		assert.Equal(t, want, Told(err, flag))
	}
}
