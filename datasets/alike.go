package datasets

import (
	"math/big"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// lookalikes returns class names that a reader would take for an earlier one, each with
// that one: names that differ in case, in blanks, in the form of their letters, or that
// are one number. Often they are one class, written down by two people or programs.
func lookalikes(classes []string) []string {
	first := make(map[string]string)
	var alike []string
	for _, name := range classes {
		key := looks(name)
		if other, ok := first[key]; ok {
			alike = append(alike, name+" like "+other)
			continue
		}
		first[key] = name
	}
	return alike
}

var decimal = regexp.MustCompile(`^[+-]?[0-9]{1,64}(\.[0-9]{1,64})?$`)

// looks returns what names that look alike have in common.
func looks(name string) string {
	name = strings.TrimSpace(cases.Fold().String(norm.NFKC.String(name)))
	if decimal.MatchString(name) {
		if n, ok := new(big.Rat).SetString(name); ok {
			return n.RatString()
		}
	}
	name = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1 // nothing is to be seen of it
		}
		return r
	}, name)
	blank := func(r rune) bool { return unicode.IsSpace(r) || r == '_' || r == '-' }
	return strings.Join(strings.FieldsFunc(name, blank), " ")
}
