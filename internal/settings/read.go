package settings

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pkg/errors"
	"go.yaml.in/yaml/v3"

	"medusa/internal/catalog"
	"medusa/internal/field"
)

// Source is where a value was given.
type Source struct {
	Flag string // whose value it is
	File string // that it stands in
	Line int    // of the file, from 1
	Key  string // as it stands there
	Part string // the parameter, in a text such as step(gamma=0.1)
	Kind string // that it was given as a parameter of: step
}

// Form is a flag, and a key at the top of a file, that sets fields in another form than their
// own: 64x48 sets a height and a width.
type Form struct {
	Fields []string // in Go; the first one has the tag flag
	Set    func(config any, text string) error
	Text   func(config any) string // as Set reads it
}

// Reader sets the fields of a struct from flags and files, and remembers which, and where.
type Reader struct {
	*Schema
	forms  map[string]Form // by flag
	config any             // a pointer to the struct
	value  reflect.Value
	first  reflect.Value     // as it was before anything was read
	given  map[string]Source // by field
	checks map[string]func(*yaml.Node) error
	maps   map[string]givenMap // by field

	Replacements []Replaced // what flags took the place of, with its parameters
}

// Reader reads into config, a pointer to a struct of the schema's type.
func (s *Schema) Reader(config any, forms map[string]Form) *Reader {
	value := reflect.ValueOf(config).Elem()
	first := reflect.New(value.Type()).Elem()
	first.Set(value)
	return &Reader{Schema: s, forms: forms, config: config, value: value, first: first, given: map[string]Source{},
		checks: map[string]func(*yaml.Node) error{}, maps: map[string]givenMap{}}
}

// Check has f look at each map or list that a file gives for a field with the tag nested: f knows
// the kinds, and its errors, those of package catalog, tell the line.
func (r *Reader) Check(field string, f func(*yaml.Node) error) { r.checks[field] = f }

// Given is where a field was set, by its path in Go, and reports whether it was.
func (r *Reader) Given(field string) (Source, bool) {
	s, ok := r.given[field]
	return s, ok
}

// Called is how a person calls a field, by its path in Go, or a flag whose name begins with a
// hyphen: as the flag, or where a file set it, as the key with its line. What is neither is
// called as it is.
func (r *Reader) Called(name string) string {
	flag, isFlag := strings.CutPrefix(name, "-")
	o := r.Field(name)
	if isFlag {
		o = r.Flagged(flag)
	}
	if o == nil {
		return name
	}
	from, given := r.given[o.Field]
	shown := "-" + o.Flag
	switch {
	case given && from.File != "":
		shown = fmt.Sprintf("%s (%s, line %d)", from.Key, from.File, from.Line)
	case given && from.Flag != "":
		shown = "-" + from.Flag
	case o.Flag == "" && o.alias != "":
		shown = "-" + o.alias
	case o.Flag == "" && o.section.name != nil && o.For != nil:
		return o.Name + " of -" + o.section.name.Flag
	case o.Flag == "":
		shown = o.Key
	}
	if from.Part != "" {
		return from.Part + " of " + shown
	}
	return shown
}

// Flag sets what the flag says.
func (r *Reader) Flag(flag, text string) error {
	o := r.Flagged(flag)
	if o == nil {
		return errors.Errorf("settings: no flag -%s", flag)
	}
	err := r.set(o, text, Source{Flag: flag})
	if e := new(typeError); errors.As(err, &e) {
		return errors.Errorf("-%s %v", flag, e)
	}
	return err
}

// TextOf is the value of a flag's option as the flag takes it.
func (r *Reader) TextOf(flag string) string {
	if f, ok := r.forms[flag]; ok {
		return f.Text(r.config)
	}
	return r.Flagged(flag).Text(r.config)
}

// set sets an option from the text of a flag or of a file.
func (r *Reader) set(o *Option, text string, from Source) error {
	delete(r.maps, o.Field)
	f, hasForm := r.forms[o.Flag]
	switch {
	case hasForm && (from.Flag != "" || from.Key == o.Flag):
		for _, path := range f.Fields {
			r.given[path] = from
		}
		return f.Set(r.config, text)
	case o == o.section.name:
		return r.setKind(o.section, text, from)
	}
	r.given[o.Field] = from
	return set(o.of(r.value), text)
}

// setKind sets a kind and its parameters from text such as adamw(beta2=0.99).
func (r *Reader) setKind(in *section, text string, from Source) error {
	if from.Flag != "" { // the command line puts a kind in the place of that of the file
		r.forget(in)
	}
	r.given[in.name.Field] = from
	if strings.TrimSpace(text) == "" || catalog.IsGiven(text) || in.scheme != "" && strings.HasPrefix(text, in.scheme+":") {
		in.name.of(r.value).SetString(text)
		return nil
	}
	name, args, err := catalog.Call(text)
	if err != nil {
		return field.Errorf("", "", "%s is %q: %v", field.Name(in.name.Field), text, err)
	}
	in.name.of(r.value).SetString(name)
	for _, a := range args {
		part := from
		part.Part, part.Kind = a.Key, name
		if err := r.parameter(in, name, a.Key, a.Text, part); err != nil {
			return err
		}
	}
	return nil
}

// forget takes back what was said of a kind: its parameters, as they stood in brackets behind its
// name or in a map below it, and those that have no flag of their own.
func (r *Reader) forget(in *section) {
	for _, o := range r.Options {
		from, given := r.given[o.Field]
		if !given || o.section != in || from.Kind == "" && (o.For == nil || o.Flag != "") {
			continue
		}
		if before := r.given[in.name.Field]; from.File != "" && before.File != "" {
			r.replaced(in, before)
		}
		o.of(r.value).Set(o.of(r.first))
		delete(r.given, o.Field)
	}
}

// replaced notes that a flag takes the place of a kind with parameters that a file has.
func (r *Reader) replaced(in *section, before Source) {
	was := Replaced{Flag: in.name.Flag, Kind: in.name.of(r.value).String(), From: before}
	if !slices.Contains(r.Replacements, was) {
		r.Replacements = append(r.Replacements, was)
	}
}

// Replaced is a kind of a file, with parameters, in whose place a flag puts another one, or the
// same without them.
type Replaced struct {
	Flag string // that does so
	Kind string // of the file
	From Source
}

// parameter sets one parameter of a kind.
func (r *Reader) parameter(in *section, kind, key, text string, from Source) error {
	o := r.byKey(in, key)
	known := r.parameters(in, kind)
	if o == nil || o == in.name {
		names := namesOf(known)
		return field.Errorf("", "", "%s: %s has no parameter %q%s; it has %s", field.Name(in.name.Field), kind, key, catalog.Hint(key, names), strings.Join(names, ", "))
	}
	r.given[o.Field] = from
	if !slices.Contains(known, o) {
		return field.Errorf("", "", "%s means nothing to %s %s", field.Name(o.Field), field.Name(in.name.Field), kind)
	}
	if err := set(o.of(r.value), text); err != nil {
		return field.Errorf("", "", "%s is %s", field.Name(o.Field), err.Error())
	}
	if err := o.CheckWritten(o.of(r.value)); err != nil {
		return field.Errorf("", "", "%s: %v", field.Name(o.Field), err)
	}
	return nil
}

func namesOf(options []*Option) (names []string) {
	for _, o := range options {
		names = append(names, o.Name)
	}
	return names
}

// YAML sets what a file says, but for the keys in skip at its top. path is how messages call
// the file; each begins with the line.
func (r *Reader) YAML(path string, raw []byte, skip ...string) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return err
	}
	if len(doc.Content) == 0 {
		return nil // an empty file
	}
	return r.mapping(r.sections[0], doc.Content[0], path, skip)
}

// mapping reads the keys of a section.
func (r *Reader) mapping(in *section, m *yaml.Node, path string, skip []string) error {
	if m = unalias(m); m.Kind != yaml.MappingNode {
		return errors.Errorf("line %d: want lines of the form `name: value`", m.Line)
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(m.Content); i += 2 {
		key, value := m.Content[i], unalias(m.Content[i+1])
		if seen[fold(key.Value)] {
			return errors.Errorf("line %d: %s stands there twice", key.Line, key.Value)
		}
		seen[fold(key.Value)] = true
		if slices.Contains(skip, key.Value) {
			continue
		}
		if err := r.entry(in, key, value, path); err != nil {
			return err
		}
	}
	return nil
}

func unalias(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// entry reads one key with its value.
func (r *Reader) entry(in *section, key, value *yaml.Node, path string) error {
	from := Source{File: path, Line: key.Line, Key: join(in.key, key.Value)}
	inner := r.below(in, key.Value)
	if inner != nil && value.Kind == yaml.MappingNode {
		return r.inner(inner, value, from)
	}
	o := r.byKey(in, key.Value)
	if o == nil && in.key == "" {
		if o = r.Flagged(key.Value); o == nil { // the short way
			o = r.Flagged(strings.ReplaceAll(key.Value, "_", "-"))
		}
	}
	if o == nil && inner != nil {
		o = inner.name
	}
	switch {
	case o == nil && inner != nil:
		return errors.Errorf("line %d: %s: want lines of the form `name: value`", value.Line, from.Key)
	case o == nil || o.never:
		return errors.Errorf("line %d: unknown key %q%s", key.Line, from.Key, r.suggest(in, key.Value))
	}
	if before, twice := r.given[o.Field]; twice && before.File == path && before.Line != key.Line {
		return errors.Errorf("line %d: %s stands there twice, also as %s in line %d", key.Line, from.Key, before.Key, before.Line)
	}
	return r.assign(o, value, from)
}

// inner reads a section: its keys, or the kind over a map of its parameters.
func (r *Reader) inner(in *section, m *yaml.Node, from Source) error {
	if in.name == nil || len(m.Content) != 2 || r.byKey(in, m.Content[0].Value) != nil || r.below(in, m.Content[0].Value) != nil {
		return r.mapping(in, m, from.File, nil)
	}
	if value := unalias(m.Content[1]); value.Kind != yaml.MappingNode && value.Tag != "!!null" {
		return errors.Errorf("line %d: unknown key %q%s", m.Content[0].Line, join(in.key, m.Content[0].Value), r.suggest(in, m.Content[0].Value))
	}
	if name := m.Content[0]; name.Kind != yaml.ScalarNode || name.Value == "" {
		return errors.Errorf("line %d: %s: want the name of %s over a map of its parameters", name.Line, from.Key, in.noun)
	}
	return r.kindOver(in, m, from)
}

// kindOver reads a kind over a map of its parameters, or over nothing.
func (r *Reader) kindOver(in *section, m *yaml.Node, from Source) error {
	kind, parameters := m.Content[0].Value, unalias(m.Content[1])
	if err := r.set(in.name, kind, from); err != nil {
		return err
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(parameters.Content); i += 2 {
		key, value := parameters.Content[i], unalias(parameters.Content[i+1])
		at := Source{File: from.File, Line: key.Line, Key: join(join(from.Key, kind), key.Value), Kind: kind}
		o, known := r.byKey(in, key.Value), namesOf(r.parameters(in, kind))
		switch {
		case o == nil || o == in.name:
			return errors.Errorf("line %d: unknown key %q%s; %s has %s", key.Line, at.Key, catalog.Hint(key.Value, known), kind, strings.Join(known, ", "))
		case seen[o.Field]:
			return errors.Errorf("line %d: %s stands there twice", key.Line, at.Key)
		}
		seen[o.Field] = true
		text, err := r.valueText(o, value)
		if err != nil {
			return lineError(err, value.Line, at.Key)
		}
		if err := r.parameter(in, kind, key.Value, text, at); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) assign(o *Option, value *yaml.Node, from Source) error {
	text, err := r.valueText(o, value)
	if err != nil {
		return lineError(err, value.Line, from.Key)
	}
	err = r.set(o, text, from)
	if e := new(typeError); errors.As(err, &e) {
		if e.tooLarge {
			return errors.Errorf("line %d: %s is %v", value.Line, from.Key, e)
		}
		return errors.Errorf("line %d: %s is %q, want %s", value.Line, from.Key, text, e.want)
	}
	if err == nil && o.Flag == "" && text != "" { // earlier versions wrote 0 for flags that were not given
		if err := o.CheckWritten(o.of(r.value)); err != nil && o.of(r.value).IsZero() {
			return errors.Errorf("line %d: %s: %v", value.Line, from.Key, err)
		}
	}
	if err == nil && o.nested && value.Kind != yaml.ScalarNode {
		r.maps[o.Field] = givenMap{value, text}
	}
	return err
}

// lineError is err about a value at a line, or at one that it knows better.
func lineError(err error, line int, key string) error {
	e := new(catalog.Error)
	if !errors.As(err, &e) {
		return errors.Wrapf(err, "line %d: %s", line, key)
	}
	told := *e
	told.Package, told.Line, told.Column = "", 0, 0
	return errors.WithMessagef(&told, "line %d: %s", cmp.Or(e.Line, line), key)
}

// valueText is a value as a flag takes it.
func (r *Reader) valueText(o *Option, value *yaml.Node) (string, error) {
	nested := o.nested || o == o.section.name
	plainList := value.Kind == yaml.SequenceNode && !slices.ContainsFunc(value.Content, func(c *yaml.Node) bool { return unalias(c).Kind != yaml.ScalarNode })
	if nested && (value.Kind == yaml.MappingNode || value.Kind == yaml.SequenceNode) {
		if check := r.checks[o.Field]; check != nil {
			if err := check(value); err != nil {
				return "", err
			}
		}
		return catalog.TextOfYAML(value)
	}
	switch {
	case value.Kind == yaml.ScalarNode:
		return scalarText(value)
	case plainList:
		parts := make([]string, len(value.Content))
		for i, c := range value.Content {
			var err error
			if parts[i], err = scalarText(unalias(c)); err != nil {
				return "", err
			}
		}
		return strings.Join(parts, ","), nil
	case value.Kind == yaml.SequenceNode:
		return "", errors.New("want a list of plain values")
	}
	return "", errors.New("want a plain value or a list of them")
}

// scalarText is a plain value as it would stand on the command line.
func scalarText(n *yaml.Node) (string, error) {
	switch n.Tag {
	case "!!null":
		return "", nil
	case "!!binary": // text that is not UTF-8, such as a path
		b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), ""))
		return string(b), errors.Wrap(err, "!!binary")
	}
	return n.Value, nil
}

// suggest is a hint at the nearest key of the section, or at one that stands elsewhere, or
// nothing.
func (r *Reader) suggest(in *section, key string) string {
	var known []string
	told := map[string]string{}
	add := func(word, as string) {
		if told[fold(word)] == "" {
			told[fold(word)] = as
			known = append(known, fold(word))
		}
	}
	for _, o := range r.Options {
		if o.section == in && !o.never {
			add(o.Name, o.Name)
		}
	}
	for _, o := range r.Options {
		_, otherForm := r.forms[o.Flag]
		switch {
		case o.Flag == "" || o.never:
		case in.key == "":
			add(o.Flag, o.Flag)
		case o.section == in && !otherForm:
			add(o.Flag, o.Name)
		default:
			add(o.Flag, o.Flag+", at the top of the file")
		}
	}
	for _, o := range r.Options {
		if o.section != in && !o.never {
			add(o.Name, o.Key)
		}
	}
	if best := catalog.Nearest(fold(key), known); best != "" {
		return fmt.Sprintf("; did you mean %s?", told[best])
	}
	return ""
}

// Finish gives each kind the defaults of its prototype, where nothing was said: a parameter
// that is given keeps its value, also if that is 0. Those whose zero stands for something, by
// the tag unset, get theirs only with all.
func (r *Reader) Finish(all bool) {
	for _, in := range r.sections {
		prototype := r.kinds[in.field]
		if in.name == nil || prototype == nil {
			continue
		}
		p := reflect.ValueOf(prototype(r.kind(in, r.value)))
		for _, o := range r.parameters(in, r.kind(in, r.value)) {
			v := o.of(r.value)
			if _, given := r.given[o.Field]; v.IsZero() && (o.Unset == "" && !given || o.Unset != "" && all) {
				v.Set(p.FieldByIndex(o.index[len(in.index):]))
			}
		}
	}
}
