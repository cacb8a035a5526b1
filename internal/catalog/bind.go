package catalog

import (
	"reflect"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/field"
)

const (
	weightKey = "weight" // of a term of a sum, among its parameters
	noneWord  = "none"   // in place of a kind
)

// bind makes the value of the registry's type that n says.
func (r *registry) bind(n *node, depth int) (v reflect.Value, err error) {
	values, weights, joint, err := r.terms(n, depth)
	if err != nil {
		return v, err
	}
	if !joint {
		return reflect.ValueOf(values[0]), nil
	}
	sum, err := r.join(values, weights)
	if err != nil {
		return v, fail(n.at, "%v", field.Bare(err.Error()))
	}
	return reflect.ValueOf(sum), nil
}

// terms are the terms that n says. It reports whether they make a sum, which one term without
// a weight does not.
func (r *registry) terms(n *node, depth int) (values []any, weights []float64, joint bool, err error) {
	if n, err = unquote(n, &depth); err != nil {
		return nil, nil, false, err
	}
	if n.form != sum && n.form != list {
		v, w, err := r.kindOf(n, depth)
		if err != nil {
			return nil, nil, false, err
		}
		return []any{v.Interface()}, []float64{w}, w != 1, nil
	}
	if r.join == nil {
		return nil, nil, false, fail(n.at, "%s is one, not a sum or a list of several", r.noun)
	}
	if len(n.list) == 0 {
		return nil, nil, false, fail(n.at, "an empty list, want %s", r.noun)
	}
	for _, t := range n.list {
		v, w, explicit, err := r.term(t, depth)
		if err != nil {
			return nil, nil, false, err
		}
		values, weights = append(values, v), append(weights, w)
		joint = joint || explicit
	}
	return values, weights, joint || len(values) > 1, nil
}

// unquote is n, or what the text says that n quotes: in YAML every text is a quotation.
func unquote(n *node, depth *int) (*node, error) {
	for {
		if *depth > deepest {
			return nil, fail(n.at, "values in values, more than %d deep", deepest)
		}
		if n.form != quotation {
			return n, nil
		}
		inner, err := parse(n.text, n.at, *depth)
		if err != nil {
			return nil, err
		}
		n = inner
		*depth++
	}
}

// term is the value of a term and its weight, which may stand before it or among its
// parameters, and reports whether there is one that makes a sum of the term alone.
func (r *registry) term(t term, depth int) (value any, weight float64, explicit bool, err error) {
	n, err := unquote(t.value, &depth)
	if err != nil {
		return nil, 0, false, err
	}
	if n.form == sum || n.form == list {
		if !t.weighted && len(n.list) == 1 {
			return r.term(n.list[0], depth+1)
		}
		v, err := r.bind(n, depth+1)
		if err != nil {
			return nil, 0, false, err
		}
		return v.Interface(), t.weight, t.weighted, nil
	}
	v, own, err := r.kindOf(n, depth)
	if err != nil {
		return nil, 0, false, err
	}
	if t.weighted && own != 1 {
		return nil, 0, false, fail(t.at, "%s is given twice", weightKey)
	}
	return v.Interface(), t.weight * own, t.weighted || own != 1, nil
}

// kindOf is the value of a name with its arguments, and its weight, 1 if none is given.
func (r *registry) kindOf(n *node, depth int) (v reflect.Value, weight float64, err error) {
	name, args := n.text, n.args
	if n.form == mapping {
		if name, args, err = nameAndArguments(n, r.join != nil); err != nil {
			return v, 0, err
		}
	}
	if n.form == nothing || name == "" {
		return v, 0, fail(n.at, "no name, want %s such as name(parameter=value)", r.noun)
	}
	k, err := r.find(name, n.at)
	if err != nil {
		return v, 0, err
	}
	weight = 1
	if i := find(args, weightKey); i >= 0 && r.join != nil {
		if weight, err = weightOf(args[i].value); err != nil {
			return v, 0, under(err, k.name)
		}
		args = slices.Delete(slices.Clone(args), i, i+1)
	}
	v, err = k.make(args, n.at, depth, r.join != nil)
	if e := new(Error); errors.As(err, &e) && e.going && e.Noun == "" {
		e.Noun = r.noun
	}
	return v, weight, under(err, k.name)
}

// nameAndArguments is the name and the arguments of a map of a name to its parameters. The weight may
// stand beside the name or among the parameters.
func nameAndArguments(n *node, weighted bool) (name string, args []argument, err error) {
	var rest []argument
	for _, a := range n.args {
		if a.key == weightKey && weighted {
			rest = append(rest, a)
			continue
		}
		if name != "" {
			return "", nil, fail(a.at, "%s and %s, want one name over a map of its parameters", quote(name), quote(a.key))
		}
		name = a.key
		switch a.value.form {
		case mapping:
			args = a.value.args
		case nothing:
		default:
			return "", nil, under(fail(a.value.at, "%s, want a map of parameters", quote(a.value.String())), name)
		}
	}
	if len(rest) > 0 && find(args, weightKey) >= 0 {
		return "", nil, fail(rest[0].at, "%s: %s is given twice", name, weightKey)
	}
	return name, append(slices.Clone(args), rest...), nil
}

func weightOf(n *node) (float64, error) {
	if n.form != word && n.form != quotation {
		return 0, fail(n.at, "weight %s, want a number", quote(n.String()))
	}
	return weight(n.text, n.at)
}

// make is a value of the kind: the prototype with the arguments in their fields.
func (k *kind) make(args []argument, at position, depth int, weighted bool) (v reflect.Value, err error) {
	if k.upgrade != nil {
		if args, err = k.rewrite(args, at); err != nil {
			return v, err
		}
	}
	s := copyOf(k.prototype)
	given := map[string]string{}
	for _, a := range args {
		i := slices.IndexFunc(k.params, func(p Parameter) bool { return slices.Contains(p.names(), a.key) })
		if i < 0 {
			return v, k.unknown(a, weighted)
		}
		p := &k.params[i]
		if other, twice := given[p.Name]; twice {
			return v, fail(a.at, "%s is given twice, also as %s", a.key, other)
		}
		given[p.Name] = a.key
		value, err := p.bind(p.Type, a.value, depth+1)
		if err != nil {
			return v, under(err, a.key)
		}
		if p.zeroIsSaidOtherwise(k) {
			if err := p.CheckWritten(value); err != nil {
				return v, under(fail(a.value.at, "%v", err), a.key)
			}
		}
		p.Value(s).Set(value)
	}
	v = k.value(s)
	if c, ok := s.Addr().Interface().(interface{ Validate() error }); ok {
		if err := c.Validate(); err != nil {
			return v, fail(at, "%v", field.Bare(err.Error()))
		}
	}
	return v, nil
}

// zeroIsSaidOtherwise reports whether what the zero value of the parameter stands for has another
// text: that of the value itself, or that without the parameter.
func (p *Parameter) zeroIsSaidOtherwise(k *kind) bool {
	if p.Unset == "" || !isScalar(p.Type) {
		return false
	}
	_, err := p.scalar(p.Type, p.Unset)
	return err == nil || p.Value(k.prototype).IsZero()
}

func (k *kind) unknown(a argument, weighted bool) error {
	var names []string
	for _, p := range k.params {
		names = append(names, p.Name)
	}
	hint := Hint(a.key, names)
	if weighted {
		names = append(names, weightKey)
	}
	if len(names) == 0 {
		return sentence(fail(a.at, "has no parameter %s, and no other", quote(a.key)))
	}
	return sentence(fail(a.at, "has no parameter %s%s; it has %s", quote(a.key), hint, strings.Join(names, ", ")))
}

// rewrite makes arguments of today by the kind's Upgrade. Those that it leaves alone stay as
// they are.
func (k *kind) rewrite(args []argument, at position) ([]argument, error) {
	texts := map[string]string{}
	for _, a := range args {
		texts[a.key] = a.value.String()
		if a.value.form == quotation && a.value.at.line > 0 { // of YAML, where every text is one
			texts[a.key] = a.value.text
		}
	}
	before := map[string]string{}
	for key, text := range texts {
		before[key] = text
	}
	if err := k.upgrade(texts); err != nil {
		return nil, fail(at, "%v", field.Bare(err.Error()))
	}
	var out []argument
	for _, a := range args {
		if text, stays := texts[a.key]; stays && text == before[a.key] {
			out = append(out, a)
			delete(texts, a.key)
		}
	}
	keys := make([]string, 0, len(texts))
	for key := range texts {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		n, err := parse(texts[key], at, 0)
		if err != nil {
			return nil, under(err, key)
		}
		out = append(out, argument{key: key, at: at, value: n})
	}
	return out, nil
}

// bind is the value of type t, that of the parameter or of an item of it, that n says.
func (p *Parameter) bind(t reflect.Type, n *node, depth int) (v reflect.Value, err error) {
	v = reflect.New(t).Elem()
	if depth > deepest {
		return v, fail(n.at, "values in values, more than %d deep", deepest)
	}
	switch t.Kind() {
	case reflect.Interface:
		if (n.form == word || n.form == quotation) && n.text == noneWord {
			if p.None == "" {
				return v, fail(n.at, "none, but there must be %s", familyOf(t).noun)
			}
			return v, nil
		}
		value, err := familyOf(t).bind(n, depth+1)
		if err == nil {
			v.Set(value)
		}
		return v, err
	case reflect.Slice:
		return v, p.bindList(v, n, depth)
	case reflect.Map:
		return v, p.bindMap(v, n, depth)
	}
	if n.form != word && n.form != quotation {
		one := *p
		one.Type = t
		return v, fail(n.at, "%s, want %s", quote(n.String()), one.wants())
	}
	if v, err = p.scalar(t, n.text); err != nil {
		return v, fail(n.at, "%v", err)
	}
	return v, nil
}

func (p *Parameter) bindList(v reflect.Value, n *node, depth int) error {
	if n.form == quotation && v.Type().Elem().Kind() != reflect.String { // a list may be a text in YAML
		inner, err := parse(n.text, n.at, depth)
		if err != nil {
			return err
		}
		n = inner
	}
	if n.form != list {
		return fail(n.at, "%s, want %s", quote(n.String()), p.wants())
	}
	out := reflect.Zero(v.Type()) // an empty list is nil
	for _, t := range n.list {
		item, err := p.bind(v.Type().Elem(), t.value, depth+1)
		if err != nil {
			return err
		}
		out = reflect.Append(out, item)
	}
	v.Set(out)
	return nil
}

func (p *Parameter) bindMap(v reflect.Value, n *node, depth int) error {
	if n.form != mapping {
		return fail(n.at, "%s, want %s", quote(n.String()), p.wants())
	}
	if len(n.args) == 0 {
		return nil
	}
	out := reflect.MakeMap(v.Type())
	for _, a := range n.args {
		item, err := p.bind(v.Type().Elem(), a.value, depth+1)
		if err != nil {
			return under(err, a.key)
		}
		out.SetMapIndex(reflect.ValueOf(a.key).Convert(v.Type().Key()), item)
	}
	v.Set(out)
	return nil
}
