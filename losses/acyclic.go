package losses

import (
	"reflect"

	"github.com/pkg/errors"
)

// acyclic returns an error if a loss holds itself, at any depth of its exported fields: a walk through
// the losses in it would never end.
func acyclic(l Loss) error { return (&nesting{}).walk(reflect.ValueOf(l), 0) }

// nesting remembers where a walk through the losses of a loss has been.
type nesting struct {
	within []pointer        // on the way to where the walk is
	whole  map[pointer]bool // below which there is no cycle
}

// pointer is an address with the type of the value there: a struct and its first field share an address.
type pointer struct {
	to reflect.Type
	at uintptr
}

var lossType = reflect.TypeFor[Loss]()

func (n *nesting) walk(v reflect.Value, depth int) error {
	const deepest = 1000 // of lists that hold themselves and are no losses
	if depth > deepest {
		return nil
	}
	switch v.Kind() {
	case reflect.Interface:
		return n.walk(v.Elem(), depth+1)
	case reflect.Pointer:
		return n.walkPointer(v, depth)
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				continue
			}
			if err := n.walk(v.Field(i), depth+1); err != nil {
				return err
			}
		}
	case reflect.Slice, reflect.Array:
		switch v.Type().Elem().Kind() {
		case reflect.Interface, reflect.Pointer, reflect.Struct, reflect.Slice, reflect.Array, reflect.Map:
		default:
			return nil // numbers
		}
		for i := range v.Len() {
			if err := n.walk(v.Index(i), depth+1); err != nil {
				return err
			}
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			if err := n.walk(v.MapIndex(key), depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (n *nesting) walkPointer(v reflect.Value, depth int) error {
	p := pointer{v.Type(), v.Pointer()}
	if v.IsNil() || n.whole[p] {
		return nil
	}
	for _, q := range n.within {
		if p != q {
			continue
		}
		if v.Type().Implements(lossType) {
			return errors.Errorf("losses: a %v holds itself, and can never be computed: give another loss in its place", v.Type())
		}
		return nil
	}
	n.within = append(n.within, p)
	if err := n.walk(v.Elem(), depth+1); err != nil {
		return err
	}
	n.within = n.within[:len(n.within)-1]
	if n.whole == nil {
		n.whole = map[pointer]bool{}
	}
	n.whole[p] = true
	return nil
}
