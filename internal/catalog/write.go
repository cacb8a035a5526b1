package catalog

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// UnnamedError says that a value cannot be written as text, since its type is in no registry.
type UnnamedError struct{ Type reflect.Type }

func (e *UnnamedError) Error() string {
	return fmt.Sprintf("a value of type %v has no name that text could give: register its type", e.Type)
}

// node is v, a value of the registry's type, as bind reads it back.
func (r *registry) node(v reflect.Value, full bool, depth int) (*node, error) {
	for v.IsValid() && v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, fail(position{}, "nil, want %s", r.noun)
	}
	if depth > deepest {
		return nil, fail(position{}, "values in values, more than %d deep", deepest)
	}
	if r.split != nil && v.Type().Implements(r.iface) {
		if values, weights, ok := r.split(v.Interface()); ok {
			return r.sumNode(values, weights, full, depth)
		}
	}
	k, s := r.kindWith(v)
	if k == nil {
		return nil, &UnnamedError{v.Type()}
	}
	leave := func(p *Parameter) bool { return !full && p.isDefault(k, s) }
	args, err := k.arguments(s, full, depth, leave)
	if err != nil {
		return nil, err
	}
	told, err := k.settled(args)
	if err != nil {
		return nil, under(err, k.name)
	}
	if len(told) > len(args) { // a default left out would be read as something else
		if args, err = k.arguments(s, full, depth, func(p *Parameter) bool { return leave(p) && find(told, p.Name) < 0 }); err != nil {
			return nil, err
		}
	}
	n := &node{form: word, text: k.name, args: args}
	if len(args) > 0 {
		n.form = call
	}
	return n, nil
}

// arguments are the parameters of the struct s, without those that leave is true of.
func (k *kind) arguments(s reflect.Value, full bool, depth int, leave func(*Parameter) bool) (args []argument, err error) {
	for i := range k.params {
		p := &k.params[i]
		value := p.writtenValue(k, s)
		if leave(p) || value.IsZero() && p.zeroIsSaidOtherwise(k) {
			continue
		}
		a, err := p.node(value, full, depth+1)
		if err != nil {
			return nil, under(err, k.name, p.Name)
		}
		args = append(args, argument{key: p.Name, value: a})
	}
	return args, nil
}

// settled are args with those that the kind's Upgrade adds when it reads them.
func (k *kind) settled(args []argument) ([]argument, error) {
	if k.upgrade == nil {
		return args, nil
	}
	return k.rewrite(args, position{})
}

// isDefault reports whether the parameter of the struct s means what the prototype's does.
func (p *Parameter) isDefault(k *kind, s reflect.Value) bool {
	return reflect.DeepEqual(p.writtenValue(k, s).Interface(), p.Value(k.prototype).Interface())
}

// writtenValue is the value of the parameter of the struct s, where zero is the value that it stands
// for, if that can be written.
func (p *Parameter) writtenValue(k *kind, s reflect.Value) reflect.Value {
	v := p.Value(s)
	if p.Unset == "" || !isScalar(p.Type) || !v.IsZero() || p.Value(k.prototype).IsZero() {
		return v
	}
	if stands, err := p.scalar(p.Type, p.Unset); err == nil {
		return stands
	}
	return v
}

func (r *registry) sumNode(values []any, weights []float64, full bool, depth int) (*node, error) {
	n := &node{form: sum}
	for i, v := range values {
		inner, err := r.node(reflect.ValueOf(v), full, depth+1)
		if err != nil {
			return nil, err
		}
		if _, err := weight(number(weights[i]), position{}); err != nil {
			return nil, err
		}
		alone := len(values) == 1 || inner.form == sum && len(inner.list) == 1 // else it is no sum when it is read
		n.list = append(n.list, term{weight: weights[i], weighted: weights[i] != 1 || alone, value: inner})
	}
	return n, nil
}

// kindWith is the kind of v and its struct. Where several kinds have one type, it is that with
// the same fields besides the parameters.
func (r *registry) kindWith(v reflect.Value) (*kind, reflect.Value) {
	pointer := v.Kind() == reflect.Pointer
	if pointer {
		v = v.Elem()
	}
	var found *kind
	var same []*kind
	for _, k := range r.all() {
		if k.pointer == pointer && k.prototype.Type() == v.Type() {
			same = append(same, k)
		}
	}
	if len(same) == 1 {
		found = same[0]
	}
	for _, k := range same {
		if found != nil {
			break
		}
		c := copyOf(k.prototype)
		for i := range k.params {
			k.params[i].Value(c).Set(k.params[i].Value(v))
		}
		if reflect.DeepEqual(c.Interface(), v.Interface()) {
			found = k
		}
	}
	return found, v
}

// node is a value of the parameter, or of an item of it.
func (p *Parameter) node(v reflect.Value, full bool, depth int) (*node, error) {
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			if p.None == "" {
				return nil, fail(position{}, "nil, want %s", familyOf(v.Type()).noun)
			}
			return &node{text: noneWord}, nil
		}
		return familyOf(v.Type()).node(v, full, depth)
	case reflect.Slice:
		n := &node{form: list}
		for i := range v.Len() {
			item, err := p.node(v.Index(i), full, depth+1)
			if err != nil {
				return nil, err
			}
			n.list = append(n.list, term{weight: 1, value: item})
		}
		return n, nil
	case reflect.Map:
		n := &node{form: mapping}
		for _, key := range sortedKeys(v) {
			item, err := p.node(v.MapIndex(key), full, depth+1)
			if err != nil {
				return nil, under(err, key.String())
			}
			n.args = append(n.args, argument{key: key.String(), value: item})
		}
		return n, nil
	}
	if err := p.Check(v); err != nil {
		return nil, fail(position{}, "%v", err)
	}
	text := plainText(v)
	if v.Kind() == reflect.String {
		return &node{form: quotation, text: text}, nil
	}
	return &node{text: text}, nil
}

// plainText is a value of a plain type as text. Lists are joined by commas.
func plainText(v reflect.Value) string {
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Float32, reflect.Float64:
		return strings.TrimPrefix(strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits()), "+")
	}
	return fmt.Sprint(v.Interface())
}
