package spec

import "fmt"

// Describe names a spec with all its parameters; specs that compute different things
// have different descriptions.
func Describe(spec any) string {
	if s, ok := spec.(fmt.Stringer); ok {
		return s.String()
	}
	return fmt.Sprintf("%T%+v", spec, spec)
}
