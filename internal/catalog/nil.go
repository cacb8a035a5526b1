package catalog

import "reflect"

// IsNil reports whether nothing was given: v is nil, or a nil pointer or function in an
// interface, whose methods would panic.
func IsNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return (r.Kind() == reflect.Pointer || r.Kind() == reflect.Func) && r.IsNil()
}
