package losses

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// Help is a page about all losses and their parameters with their defaults, in lines of
// no more than 92 characters.
func Help() string { return HelpIn(92) }

// HelpIn is Help in lines of no more than so many characters, of at least 50.
func HelpIn(width int) string {
	width = max(width, 50)
	var b strings.Builder
	b.WriteString(strings.Join(wrap("A loss is name:parameter=value,… and several, each with a weight, are joined by +:", width), "\n") + "\n")
	b.WriteString("  triplet:margin=0.2,mining=batch-hard\n")
	b.WriteString("  ce:scale=16,weight=1+triplet:weight=0.5\n")
	shared := map[string][]Parameter{} // by the names of the losses that have them
	var groups []string
	for _, e := range entries {
		fmt.Fprintf(&b, "\n%s\n  %s\n", e.Name, strings.Join(wrap(e.Doc, width-2), "\n  "))
		for _, p := range e.Parameters {
			owners := owners(p)
			if len(owners) == 1 {
				b.WriteString(p.line(width))
				continue
			}
			group := strings.Join(owners, ", ")
			if !slices.Contains(groups, group) {
				groups = append(groups, group)
			}
			if owners[0] == e.Name {
				shared[group] = append(shared[group], p)
			}
		}
	}
	for _, group := range groups {
		fmt.Fprintf(&b, "\n%s\n  have in common\n", group)
		for _, p := range shared[group] {
			b.WriteString(p.line(width))
		}
	}
	return b.String()
}

// owners names the losses that have the same parameter.
func owners(p Parameter) (names []string) {
	for _, e := range entries {
		if slices.ContainsFunc(e.Parameters, func(q Parameter) bool { return reflect.DeepEqual(p, q) }) {
			names = append(names, e.Name)
		}
	}
	return names
}

// line is name=default and what it is, with the other choices under it.
func (p Parameter) line(width int) string {
	const column = 27
	head := fmt.Sprintf("    %-22s ", fmt.Sprintf("%s=%v", p.Name, p.Default))
	line := head + strings.Join(wrap(p.Doc, width-column), "\n"+strings.Repeat(" ", column)) + "\n"
	if len(p.Choices) > 1 {
		others := slices.DeleteFunc(slices.Clone(p.Choices), func(c string) bool { return c == p.Default })
		for _, l := range wrap("or "+strings.Join(others, ", "), width-column) {
			line += strings.Repeat(" ", column) + l + "\n"
		}
	}
	return line
}

// wrap cuts text at spaces into lines of at most width characters; a longer word stays whole.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}
