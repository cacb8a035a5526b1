package settings

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"medusa/internal/catalog"
)

// Schema is what can be set of a struct.
type Schema struct {
	Options  []*Option // in the order of the fields
	sections []*section
	kinds    map[string]func(kind string) any // prototypes of the structs at these paths
}

// Option is a field that can be set.
type Option struct {
	catalog.Parameter
	Flag, Arg, Group string
	Shown            string   // the default on the help page, where the tag gives it
	Key              string   // in a file, such as solver.lr
	For              []string // the kinds that read it; all if nil
	Stored           bool     // is written to files
	never            bool     // is not read from files
	alias            string   // the flag that messages name
	nested           bool     // its text may be a map in YAML: name: {parameter: value}
	section          *section
	index            []int
}

// section is a struct of options.
type section struct {
	key, field string  // such as data.augment and Data.Augment
	name       *Option // that says which kind it is; nil if it has no kinds
	noun       string  // "a solver"
	scheme     string  // with which kinds begin that are as they stand; empty if there are none
	index      []int
}

// Of is the schema of the struct type t. kinds are the prototypes of the structs with kinds,
// by the struct's path in Go: a prototype has the defaults of the kind. Of panics if a tag
// cannot be.
func Of(t reflect.Type, kinds map[string]func(kind string) any) *Schema {
	s := &Schema{kinds: kinds}
	root := &section{}
	s.sections = append(s.sections, root)
	s.add(t, nil, root, "")
	return s
}

func (s *Schema) add(t reflect.Type, index []int, in *section, group string) {
	for i := range t.NumField() {
		f := t.Field(i)
		key, how, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if !f.IsExported() || key == "-" {
			continue
		}
		at := append(slices.Clone(index), i)
		title := f.Tag.Get("group")
		if title == "" {
			title = group
		}
		switch {
		case how == "inline":
			s.add(f.Type, at, in, title)
		case f.Type.Kind() == reflect.Struct:
			inner := &section{key: join(in.key, key), field: join(in.field, f.Name), index: at}
			s.sections = append(s.sections, inner)
			s.add(f.Type, at, inner, title)
		default:
			s.option(f, at, in, key, title)
		}
	}
}

func (s *Schema) option(f reflect.StructField, index []int, in *section, key, group string) {
	p, err := catalog.ParameterOf(f)
	if err != nil {
		panic(fmt.Sprintf("settings: field %s: %v", join(in.field, f.Name), err))
	}
	if key == "" {
		panic(fmt.Sprintf("settings: field %s: want a tag yaml with the key", join(in.field, f.Name)))
	}
	p.Name, p.Field = key, join(in.field, f.Name)
	o := &Option{Parameter: p, Flag: f.Tag.Get("flag"), Arg: f.Tag.Get("arg"), Group: group, Shown: f.Tag.Get("shown"),
		Key: join(in.key, key), Stored: f.Tag.Get("file") == "", never: f.Tag.Get("file") == "never", alias: f.Tag.Get("said"), section: in, index: index}
	_, o.nested = f.Tag.Lookup("nested")
	if text, ok := f.Tag.Lookup("for"); ok {
		o.For = strings.Split(text, ",")
	}
	if noun := f.Tag.Get("kind"); noun != "" {
		in.name, in.noun, in.scheme = o, noun, f.Tag.Get("scheme")
	}
	for _, other := range s.Options {
		if o.Flag != "" && o.Flag == other.Flag {
			panic(fmt.Sprintf("settings: fields %s and %s have one flag", o.Field, other.Field))
		}
	}
	s.Options = append(s.Options, o)
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "." + b
}

// Flagged is the option that the flag sets, or nil.
func (s *Schema) Flagged(flag string) *Option {
	for _, o := range s.Options {
		if o.Flag != "" && o.Flag == flag {
			return o
		}
	}
	return nil
}

// Field is the option of a field by its path in Go, or nil.
func (s *Schema) Field(path string) *Option {
	for _, o := range s.Options {
		if o.Field == path {
			return o
		}
	}
	return nil
}

// fold is a key as keys are compared: hyphens and underscores are one.
func fold(key string) string { return strings.ReplaceAll(key, "-", "_") }

// byKey is the option with the key below a section, or nil.
func (s *Schema) byKey(in *section, key string) *Option {
	for _, o := range s.Options {
		if o.section == in && (fold(o.Name) == fold(key) || slices.Contains(o.Old, key)) {
			return o
		}
	}
	return nil
}

// below is the section with the key below another, or nil.
func (s *Schema) below(in *section, key string) *section {
	for _, other := range s.sections {
		if other != in && fold(other.key) == fold(join(in.key, key)) {
			return other
		}
	}
	return nil
}

// parameters are the options of a section with kinds that the kind reads.
func (s *Schema) parameters(in *section, kind string) (out []*Option) {
	for _, o := range s.Options {
		if o.section == in && o != in.name && o.isFor(kind) {
			out = append(out, o)
		}
	}
	return out
}

// isFor reports whether the kind reads the option; one that nobody has named yet may.
func (o *Option) isFor(kind string) bool {
	scheme, _, _ := strings.Cut(kind, ":")
	return o.For == nil || kind == "" || slices.Contains(o.For, kind) || scheme != kind && slices.Contains(o.For, scheme)
}

// kind is the section's kind in v; "" if it has none.
func (s *Schema) kind(in *section, v reflect.Value) string {
	if in.name == nil {
		return ""
	}
	return in.name.of(v).String()
}

// of is the field in the struct v.
func (o *Option) of(v reflect.Value) reflect.Value { return v.FieldByIndex(o.index) }

// Unused lists the fields below the section at the path field in Go that are set though its
// kind does not read them.
func (s *Schema) Unused(v any, field string) (fields []string) {
	value := reflect.Indirect(reflect.ValueOf(v))
	for _, o := range s.Options {
		if o.section.field == field && !o.isFor(s.kind(o.section, value)) && !o.of(value).IsZero() {
			fields = append(fields, o.Field)
		}
	}
	return fields
}

// Fault is a value that cannot be.
type Fault struct {
	Field string // such as Solver.LR
	Value string // as a message shows it
	Want  string // such as "at least 0, below 1"
}

// Faults lists the values in the struct v that are out of the range, or not among the choices,
// that the tags give; section is the path of a struct in it, or empty for v's own fields. Zero
// is in range where it stands for something else: the tag unset says so, and a count or a name
// of nothing cannot be meant.
func (s *Schema) Faults(v any, section string) (out []Fault) {
	value := reflect.Indirect(reflect.ValueOf(v))
	for _, o := range s.Options {
		field := o.of(value)
		nothing := field.IsZero() && (field.Kind() == reflect.String || o.Min != nil && *o.Min >= 1)
		if o.section.field != section || nothing || !o.isFor(s.kind(o.section, value)) || o.Check(field) == nil {
			continue
		}
		shown := fmt.Sprint(field.Interface())
		if field.Kind() == reflect.String {
			shown = fmt.Sprintf("%q", field.String()) + catalog.Hint(field.String(), o.Choices)
		}
		out = append(out, Fault{Field: o.Field, Value: shown, Want: o.wants()})
	}
	return out
}

// wants says which values the option can have.
func (o *Option) wants() string {
	if want := o.Tag.Get("want"); want != "" {
		return want
	}
	if o.Choices != nil {
		return "one of " + strings.Join(o.Choices, ", ")
	}
	want := cmp.Or(o.Range.String(), "a finite number")
	if o.Type.Kind() == reflect.Slice {
		want = "each " + want
	}
	if o.Unset != "" {
		want += ", or nothing for the default"
	}
	return want
}

// Text is the value of an option as a flag takes it.
func (o *Option) Text(v any) string { return text(o.of(reflect.Indirect(reflect.ValueOf(v)))) }

// Whole is the value of an option with a whole number.
func (o *Option) Whole(v any) int64 { return o.of(reflect.Indirect(reflect.ValueOf(v))).Int() }

// IsNumber reports whether the option is a number.
func (o *Option) IsNumber() bool {
	v := reflect.Zero(o.Type)
	return v.CanInt() || v.CanUint() || v.CanFloat()
}

// CheckTyped says what is wrong with the value in v where somebody typed it: it stands for
// nothing else.
func (o *Option) CheckTyped(v any) error {
	strict := o.Parameter
	strict.Unset = ""
	return strict.Check(o.of(reflect.Indirect(reflect.ValueOf(v))))
}

// IsSwitch reports whether the option is true or false.
func (o *Option) IsSwitch() bool { return o.Type.Kind() == reflect.Bool }

// Typed is the flag that sets the option, or what messages name in its place.
func (o *Option) Typed() string { return cmp.Or(o.Flag, o.alias, o.Key) }
