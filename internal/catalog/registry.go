package catalog

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/pkg/errors"
	"go.yaml.in/yaml/v3"
)

// Registry knows the kinds of T, such as losses, by name. Its methods may be called by many
// goroutines.
type Registry[T any] struct{ *registry }

// registry is a Registry whose T is known at run time alone.
type registry struct {
	pkg   string       // before errors
	noun  string       // "a loss"
	usage string       // at the head of the help page
	iface reflect.Type // T
	mu    sync.RWMutex
	kinds []*kind
	join  func(values []any, weights []float64) (any, error)
	split func(v any) (values []any, weights []float64, ok bool)
}

// kind is an entry of a registry.
type kind struct {
	name      string
	doc       string // first line
	more      string // further lines
	old       []string
	prototype reflect.Value // a struct
	pointer   bool          // values are pointers to structs
	params    []Parameter
	upgrade   func(args map[string]string) error
}

var (
	familiesMu sync.RWMutex
	families   = map[reflect.Type]*registry{}
)

// familyOf is the registry of an interface, or nil.
func familyOf(t reflect.Type) *registry {
	familiesMu.RLock()
	defer familiesMu.RUnlock()
	return families[t]
}

// New makes the registry of the interface T, which fields of type T then refer to. It is
// called once for each T, where a package's variables are declared. pkg stands before errors;
// noun is one of them with its article, "a loss"; usage is the head of the help page, such as
// examples, and may be empty.
func New[T any](pkg, noun, usage string) Registry[T] {
	t := reflect.TypeFor[T]()
	if t.Kind() != reflect.Interface {
		panic(fmt.Sprintf("catalog: a registry of %v, want an interface", t))
	}
	r := &registry{pkg: pkg, noun: noun, usage: usage, iface: t}
	familiesMu.Lock()
	defer familiesMu.Unlock()
	if families[t] != nil {
		panic(fmt.Sprintf("catalog: %v has a registry", t))
	}
	families[t] = r
	return Registry[T]{r}
}

// Term is a part of a sum.
type Term[T any] struct {
	Weight float64
	Value  T
}

// Sums allows sums such as 0.1*a + b, and gives the parameter weight of each a meaning. join
// makes a value of the terms; split takes one that join made apart again, and reports whether
// it is one.
func (r Registry[T]) Sums(join func([]Term[T]) (T, error), split func(T) ([]Term[T], bool)) {
	r.join = func(values []any, weights []float64) (any, error) {
		terms := make([]Term[T], len(values))
		for i, v := range values {
			terms[i] = Term[T]{Weight: weights[i], Value: v.(T)}
		}
		return join(terms)
	}
	r.split = func(v any) (values []any, weights []float64, ok bool) {
		terms, ok := split(v.(T))
		for _, t := range terms {
			values, weights = append(values, t.Value), append(weights, t.Weight)
		}
		return values, weights, ok
	}
}

// Option changes how a kind is registered.
type Option func(*kind)

// OldNames are names that the kind had in earlier versions.
func OldNames(names ...string) Option { return func(k *kind) { k.old = names } }

// Upgrade makes arguments of today from those of an earlier version, where more has changed
// than a name (for which the tag old:"…" is enough). args are all arguments as text, by name;
// rewrite changes them in place.
func Upgrade(rewrite func(args map[string]string) error) Option {
	return func(k *kind) { k.upgrade = rewrite }
}

// Add registers a kind: prototype is a struct, or a pointer to one, whose exported fields are
// the parameters and their values the defaults. The first line of doc says what it is, further
// lines tell more, such as the paper. Add panics if a name is taken or the struct, its tags or
// its defaults are not well-formed. It is called from init.
func (r Registry[T]) Add(name, doc string, prototype T, options ...Option) {
	if err := r.add(name, doc, prototype, options); err != nil {
		panic(fmt.Sprintf("%s: registering %q: %v", r.pkg, name, err))
	}
}

func (r *registry) add(name, doc string, prototype any, options []Option) error {
	k := &kind{name: name}
	k.doc, k.more, _ = strings.Cut(strings.TrimSpace(doc), "\n")
	for _, o := range options {
		o(k)
	}
	v := reflect.ValueOf(prototype)
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		k.pointer, v = true, v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return errors.Errorf("a prototype of type %T, want a struct or a pointer to one", prototype)
	}
	if k.doc == "" {
		return errors.New("no words about it")
	}
	k.prototype = copyOf(v)
	var err error
	if k.params, err = Parameters(v.Type()); err != nil {
		return err
	}
	for _, p := range k.params {
		if r.join != nil && slices.Contains(p.names(), weightKey) {
			return errors.Errorf("the parameter %q is taken: it is that of a term of a sum", weightKey)
		}
		if err := p.Check(p.Value(k.prototype)); err != nil {
			return errors.Wrapf(err, "default of %s", p.Name)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range k.names() {
		if !IsName(n) || n == noneWord {
			return errors.Errorf("the name %q, want letters, digits, - and _, a letter first, and not none", n)
		}
		if slices.ContainsFunc(r.kinds, func(other *kind) bool { return slices.Contains(other.names(), n) }) {
			return errors.Errorf("the name %q is taken", n)
		}
	}
	r.kinds = append(r.kinds, k)
	slices.SortFunc(r.kinds, func(a, b *kind) int { return strings.Compare(a.name, b.name) })
	return nil
}

func (k *kind) names() []string { return append([]string{k.name}, k.old...) }

// all are the kinds at this moment, sorted by name.
func (r *registry) all() []*kind {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Clone(r.kinds)
}

// Names lists the kinds, sorted.
func (r *registry) Names() (names []string) {
	for _, k := range r.all() {
		names = append(names, k.name)
	}
	return names
}

// Doc is the line about the kind name.
func (r *registry) Doc(name string) string {
	if k := r.lookup(name); k != nil {
		return k.doc
	}
	return ""
}

// Parameters are those of the kind name.
func (r *registry) Parameters(name string) []Parameter {
	if k := r.lookup(name); k != nil {
		return slices.Clone(k.params)
	}
	return nil
}

func (r *registry) lookup(name string) *kind {
	for _, k := range r.all() {
		if slices.Contains(k.names(), name) {
			return k
		}
	}
	return nil
}

// find is the kind name, or an error that names the nearest one.
func (r *registry) find(name string, at position) (*kind, error) {
	if k := r.lookup(name); k != nil {
		return k, nil
	}
	_, noun, _ := strings.Cut(r.noun, " ")
	names := r.Names()
	err := fail(at, "no %s is named %s%s; there are %s", noun, quote(name), Hint(name, names), strings.Join(names, ", "))
	err.(*Error).Noun = r.noun
	return nil, err
}

// New is a copy of the prototype of the kind name.
func (r Registry[T]) New(name string) (T, error) {
	var none T
	k, err := r.find(name, position{})
	if err != nil {
		return none, r.of(err)
	}
	return k.value(copyOf(k.prototype)).Interface().(T), nil
}

// Default is a copy of the prototype of type V, a kind of T: of the first by name if several
// kinds have that type. It panics if there is none.
func Default[V, T any](r Registry[T]) V {
	t := reflect.TypeFor[V]()
	for _, k := range r.all() {
		if v := k.value(copyOf(k.prototype)); v.Type() == t {
			return v.Interface().(V)
		}
	}
	panic(fmt.Sprintf("%s: %v is not registered", r.pkg, t))
}

// value is the struct v, which can be addressed, as the kind has it.
func (k *kind) value(v reflect.Value) reflect.Value {
	if k.pointer {
		return v.Addr()
	}
	return v
}

// copyOf is a copy of a struct that can be addressed; lists, maps and what pointers in fields
// of a registry's type point to are copied too.
func copyOf(v reflect.Value) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	copyShared(c)
	return c
}

// copyShared gives the exported fields of the struct v lists and maps of their own.
func copyShared(v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		if f.Kind() == reflect.Struct && v.Type().Field(i).Anonymous {
			copyShared(f)
			continue
		}
		if !f.CanSet() {
			continue
		}
		switch {
		case f.Kind() == reflect.Slice && !f.IsNil():
			s := reflect.MakeSlice(f.Type(), f.Len(), f.Len())
			reflect.Copy(s, f)
			f.Set(s)
		case f.Kind() == reflect.Map && !f.IsNil():
			m := reflect.MakeMap(f.Type())
			for _, key := range f.MapKeys() {
				m.SetMapIndex(key, f.MapIndex(key))
			}
			f.Set(m)
		case f.Kind() == reflect.Interface && f.Elem().Kind() == reflect.Pointer && f.Elem().Elem().Kind() == reflect.Struct:
			f.Set(copyOf(f.Elem().Elem()).Addr())
		}
	}
}

// Parse makes a value from text: name, name(parameter=value, …), a sum of such if the
// registry has sums, or the form of the first edition, name:parameter=value,…
func (r Registry[T]) Parse(text string) (T, error) {
	n, err := parse(text, position{column: 1}, 0)
	return as[T](r, n, err)
}

// FromYAML makes a value from a node of YAML: a text as Parse reads it, a name over a map of
// its parameters, or a list of these for a sum.
func (r Registry[T]) FromYAML(y *yaml.Node) (T, error) {
	n, err := fromYAML(y)
	return as[T](r, n, err)
}

func as[T any](r Registry[T], n *node, err error) (value T, _ error) {
	if err == nil {
		var v reflect.Value
		if v, err = r.bind(n, 0); err == nil {
			return v.Interface().(T), nil
		}
	}
	return value, r.of(err)
}

// Text is v as Parse reads it back. Parameters at their defaults are left out.
func (r Registry[T]) Text(v T) (string, error) { return textOf(r, v, false) }

// FullText is Text with every parameter, so that it means the same when a default changes.
func (r Registry[T]) FullText(v T) (string, error) { return textOf(r, v, true) }

func textOf[T any](r Registry[T], v T, full bool) (string, error) {
	n, err := r.node(reflect.ValueOf(v), full, 0)
	if err != nil {
		return "", r.of(err)
	}
	return n.String(), nil
}

// YAML is v as FromYAML reads it back, without parameters at their defaults unless full.
func (r Registry[T]) YAML(v T, full bool) (*yaml.Node, error) {
	n, err := r.node(reflect.ValueOf(v), full, 0)
	if err != nil {
		return nil, r.of(err)
	}
	return toYAML(n), nil
}

// Check says which default of which kind is not read back as it is: tests of packages with
// registries call it.
func (r Registry[T]) Check() error {
	for _, k := range r.all() {
		v := k.value(copyOf(k.prototype))
		n, err := r.node(v, true, 0)
		if err != nil {
			return r.of(under(err, k.name))
		}
		text := n.String()
		if n, err = parse(text, position{column: 1}, 0); err == nil {
			var back reflect.Value
			if back, err = r.bind(n, 0); err == nil && !reflect.DeepEqual(back.Interface(), v.Interface()) {
				err = errors.Errorf("%s is read back as %+v, want %+v", text, back, v)
			}
		}
		if err != nil {
			return r.of(under(err, k.name))
		}
	}
	return nil
}
