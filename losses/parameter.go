package losses

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
	"github.com/pkg/errors"
)

// Parameter describes one parameter of a loss.
type Parameter struct {
	Name    string
	Doc     string // one line, with the unit
	Default any    // a float64, int, bool or string: the parameter's type
	// Min and Max bound a number, both included; no bounds if both are 0.
	Min, Max float64
	Choices  []string // what a string may be; anything if nil
}

// Values are the parameters of a loss by name, each of its default's type.
type Values struct {
	all   map[string]any
	given map[string]bool
}

// Given tells whether the parameter name was given; if not, its value is the default.
func (v Values) Given(name string) bool { return v.given[name] }

// Float is the number name.
func (v Values) Float(name string) float64 { x, _ := v.all[name].(float64); return x }

// Int is the whole number name.
func (v Values) Int(name string) int { x, _ := v.all[name].(int); return x }

// Bool is the switch name.
func (v Values) Bool(name string) bool { x, _ := v.all[name].(bool); return x }

// Text is the string name.
func (v Values) Text(name string) string { x, _ := v.all[name].(string); return x }

// field is the number name for a field of a loss, whose own default is a plain 0.
func (v Values) field(name string) float64 {
	x := v.Float(name)
	switch {
	case !v.Given(name):
		return 0
	case x == 0:
		return Exactly0
	}
	return x
}

func (p Parameter) check() error {
	switch p.Default.(type) {
	case float64, int, bool, string:
	default:
		return errors.Errorf("parameter %q: default of type %T, want float64, int, bool or string", p.Name, p.Default)
	}
	if !wordy(p.Name) {
		return errors.Errorf("parameter %q: want a name of letters, digits and -", p.Name)
	}
	_, err := p.parse(fmt.Sprint(p.Default))
	return errors.Wrapf(err, "parameter %q: default", p.Name)
}

// parse reads a value of the parameter's type and checks its range.
func (p Parameter) parse(text string) (any, error) {
	switch p.Default.(type) {
	case float64:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, errors.Errorf("%q is not a number", text)
		}
		return x, p.inRange(x)
	case int:
		x, err := strconv.Atoi(text)
		if err != nil {
			return nil, errors.Errorf("%q is not a whole number", text)
		}
		return x, p.inRange(float64(x))
	case bool:
		x, err := strconv.ParseBool(text)
		if err != nil {
			return nil, errors.Errorf("%q is neither true nor false", text)
		}
		return x, nil
	}
	if p.Choices != nil && !slices.Contains(p.Choices, text) {
		return nil, errors.Errorf("%q is not a choice%s; want %s", text, nearest(text, p.Choices), strings.Join(p.Choices, ", "))
	}
	return text, nil
}

func (p Parameter) inRange(x float64) error {
	if p.Min == 0 && p.Max == 0 || p.Min <= x && x <= p.Max {
		return nil
	}
	return errors.Errorf("%g is out of range, want %s", x, p.bounds())
}

func (p Parameter) bounds() string {
	if math.IsInf(p.Max, 1) {
		return fmt.Sprintf("at least %g", p.Min)
	}
	return fmt.Sprintf("%g to %g", p.Min, p.Max)
}

// nearest is a hint at the known word that is most like word, or nothing.
func nearest(word string, known []string) string {
	const longest = 64 // bytes: a longer word is no slip of a name, and the distance takes the square of the time
	if len(word) > longest {
		return ""
	}
	letters := utf8.RuneCountInString(word)
	best, least := "", min(max(2, 1+letters/3), letters) // fewer slips than that
	for _, k := range known {
		if d := levenshtein.ComputeDistance(word, k); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}
