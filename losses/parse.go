package losses

import (
	"strconv"
	"strings"

	"github.com/pkg/errors"
)

// Parse makes a loss from text: a name, or a name and parameters,
//
//	triplet
//	triplet:margin=0.2,mining=batch-hard
//
// or a Joint of several of them, each with its weight, 1 if not given,
//
//	ce:scale=16,weight=1+triplet:weight=0.5
//
// Names, parameters and ranges are those that Help lists.
func Parse(text string, s Setting) (Loss, error) {
	parts := splitJoint(text)
	joint := Joint{}
	for _, part := range parts {
		loss, weight, err := parsePart(part, s)
		if err != nil {
			return nil, err
		}
		joint.Parts = append(joint.Parts, Part{Loss: loss, Weight: weight})
	}
	if len(parts) == 1 && joint.Parts[0].Weight == 1 {
		return joint.Parts[0].Loss, nil
	}
	return &joint, nil
}

// splitJoint cuts at each + before a letter: that in 1e+3 is none.
func splitJoint(text string) []string {
	var parts []string
	from := 0
	for i := range len(text) {
		if text[i] != '+' {
			continue
		}
		next := strings.TrimSpace(text[i+1:])
		if next == "" || next[0] < '0' || next[0] > '9' {
			parts = append(parts, text[from:i])
			from = i + 1
		}
	}
	return append(parts, text[from:])
}

func parsePart(text string, s Setting) (Loss, float64, error) {
	name, rest, colon := strings.Cut(strings.TrimSpace(text), ":")
	if name == "" {
		return nil, 0, errors.Errorf("losses: no name in %q, want name:parameter=value,…", text)
	}
	parameters := map[string]string{}
	if rest != "" || colon {
		for _, pair := range strings.Split(rest, ",") {
			key, value, ok := strings.Cut(pair, "=")
			key, value = strings.TrimSpace(key), strings.TrimSpace(value)
			if !ok || key == "" || value == "" {
				return nil, 0, errors.Errorf("losses: %s: %q is not parameter=value", name, pair)
			}
			if _, twice := parameters[key]; twice {
				return nil, 0, errors.Errorf("losses: %s: %s is given twice", name, key)
			}
			parameters[key] = value
		}
	}
	weight := 1.0
	if w, ok := parameters["weight"]; ok {
		var err error
		if weight, err = strconv.ParseFloat(w, 64); err != nil || !(weight > 0) || weight > 1e6 {
			return nil, 0, errors.Errorf("losses: %s: weight %q, want a number above 0, at most 1e6", name, w)
		}
		delete(parameters, "weight")
	}
	loss, err := New(name, parameters, s)
	return loss, weight, err
}
