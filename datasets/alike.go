package datasets

import (
	"math/big"
	"regexp"
	"slices"
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
		key := lookalikeKey(name)
		if other, ok := first[key]; ok {
			alike = append(alike, name+" like "+other)
			continue
		}
		first[key] = name
	}
	return alike
}

// TellLookalikes notes, in the Summary of Val and Test, classes that a reader would take for one of
// Train: cat beside Cat is often one class, which then is learned and measured on. The parts that
// are returned share their pictures with those of s.
func (s Split) TellLookalikes() Split {
	names, sets := s.parts()
	if len(sets) < 2 || names[0] != "train" {
		return s
	}
	learned, same := make(map[string]string), make(map[string]bool)
	for _, name := range sets[0].classes {
		learned[lookalikeKey(name)], same[name] = name, true
	}
	for i, d := range sets[1:] {
		var alike []string
		for _, name := range d.classes {
			if other, ok := learned[lookalikeKey(name)]; ok && !same[name] {
				alike = append(alike, name+" like "+other)
			}
		}
		if len(alike) == 0 {
			continue
		}
		noted := *d
		noted.report.notes = append(slices.Clone(d.report.notes), Count{
			What: "class name that looks like that of a learned class", Count: len(alike), Examples: firstFew(alike),
			Detail: "if the two are one class, the figures are not about an unseen one: give both one name, in the table or as that of the folder",
		})
		sets[i+1] = &noted
	}
	return splitOf(names, sets)
}

var decimal = regexp.MustCompile(`^[+-]?[0-9]{1,64}(\.[0-9]{1,64})?$`)

// lookalikeKey returns a form of the name that is equal for names that look alike.
func lookalikeKey(name string) string {
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
