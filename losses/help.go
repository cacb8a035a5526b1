package losses

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Help is a page about all losses and their parameters with their defaults, in lines of
// no more than 100 characters as far as the losses' own texts allow.
func Help() string {
	var b strings.Builder
	b.WriteString("A loss is name:parameter=value,… and several, each with a weight, are joined by +:\n")
	b.WriteString("  triplet:margin=0.2,mining=batch-hard\n")
	b.WriteString("  ce:scale=16,weight=1+triplet:weight=0.5\n")
	shared := map[string][]Parameter{} // by the names of the losses that have them
	var groups []string
	for _, e := range entries {
		fmt.Fprintf(&b, "\n%s\n  %s\n", e.Name, e.Doc)
		for _, p := range e.Parameters {
			owners := owners(p)
			if len(owners) == 1 {
				b.WriteString(p.line())
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
			b.WriteString(p.line())
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
func (p Parameter) line() string {
	line := fmt.Sprintf("    %-22s %s\n", fmt.Sprintf("%s=%v", p.Name, p.Default), p.Doc)
	if len(p.Choices) > 1 {
		others := slices.DeleteFunc(slices.Clone(p.Choices), func(c string) bool { return c == p.Default })
		line += fmt.Sprintf("    %22s or %s\n", "", strings.Join(others, ", "))
	}
	return line
}
