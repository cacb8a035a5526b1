package settings

import (
	"reflect"
	"slices"
	"strings"

	"medusa/internal/catalog"
)

// Kind is one of those that a field with the tag kind names.
type Kind struct {
	Name string
	Doc  string // a line that says what it is; more lines may follow
}

// List is a page about the kinds of the struct at the path field in Go, as catalog's List: the
// name of each alone at the start of a line, and below it what it is and the parameters that it
// reads. defaults is a struct of the schema's type with what they are where the kind's prototype
// does not say it.
func (s *Schema) List(field string, kinds []Kind, defaults any, width int) string {
	var b strings.Builder
	for i, k := range kinds {
		if i > 0 {
			b.WriteString("\n")
		}
		var params []catalog.Parameter
		var values []reflect.Value
		for _, o := range s.Options {
			if o.section.field != field || o == o.section.name || !o.isFor(k.Name) || o.Flag == "" && o.alias != "" {
				continue // the latter follows from the data
			}
			p := o.Parameter
			p.Name, p.Doc = strings.ReplaceAll(o.Name, "_", "-"), o.docOfKind()
			params, values = append(params, p), append(values, s.defaultOf(o, k.Name, defaults))
		}
		b.WriteString(catalog.Entry(k.Name, k.Doc, params, values, width))
	}
	return b.String()
}

// docOfKind is what the tag says without the names of kinds that it may begin with, as in
// "sgd, rmsprop: …".
func (o *Option) docOfKind() string {
	names, doc, ok := strings.Cut(o.Doc, ": ")
	for name := range strings.SplitSeq(names, ", ") {
		ok = ok && slices.ContainsFunc(o.For, func(kind string) bool { return strings.HasPrefix(kind, name) })
	}
	if !ok {
		return o.Doc
	}
	return doc
}

// defaultOf is the value of an option where the kind is named and nothing else is said.
func (s *Schema) defaultOf(o *Option, kind string, defaults any) reflect.Value {
	if prototype := s.kinds[o.section.field]; prototype != nil {
		return reflect.ValueOf(prototype(kind)).FieldByIndex(o.index[len(o.section.index):])
	}
	return o.of(reflect.Indirect(reflect.ValueOf(defaults)))
}
