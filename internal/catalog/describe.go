package catalog

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
)

// Describe is a value that no registry knows in the words of Go: its type and the fields that
// are not zero, losses.Custom{Gamma: 80}. Of a struct all fields count; behind a pointer only
// exported ones, since the others may be a state that changes. A function is its name. A value
// that has a method String says by it what it is.
func Describe(v any) string {
	d := &describer{left: mostDescribed}
	text := d.describe(reflect.ValueOf(v), true, 0)
	if len(text) > longestDescription {
		text = fmt.Sprintf("%s… (%x)", strings.ToValidUTF8(text[:longestDescription], ""), sha256.Sum256([]byte(text)))
	}
	return text
}

const (
	longestDescription = 2000    // bytes
	mostDescribed      = 200_000 // values in values: one that holds itself several times has no end
)

// describer knows how much may still be described.
type describer struct{ left int }

// describe is v with its type if that is not known from where v stands.
func (d *describer) describe(v reflect.Value, typed bool, depth int) string {
	if !v.IsValid() {
		return "nil"
	}
	d.left--
	name := ""
	if typed {
		name = v.Type().String()
	}
	if s, ok := stringer(v); ok {
		return fmt.Sprintf("%s(%s)", v.Type(), s)
	}
	switch v.Kind() {
	case reflect.Interface:
		return d.describe(v.Elem(), true, depth)
	case reflect.Pointer:
		switch {
		case v.IsNil():
			return "nil"
		case depth > deepest || d.left < 0:
			return name
		}
		return "&" + d.structText(v.Elem(), v.Elem().Type().String(), true, depth)
	case reflect.Struct:
		return d.structText(v, name, false, depth)
	case reflect.Func:
		return funcText(v)
	case reflect.Slice, reflect.Array:
		var items []string
		for i := range v.Len() {
			items = append(items, d.describe(v.Index(i), false, depth+1))
		}
		return name + "{" + strings.Join(items, ", ") + "}"
	case reflect.Map:
		var items []string
		for _, key := range v.MapKeys() {
			items = append(items, d.describe(key, false, depth+1)+": "+d.describe(v.MapIndex(key), false, depth+1))
		}
		slices.Sort(items)
		return name + "{" + strings.Join(items, ", ") + "}"
	case reflect.String:
		return fmt.Sprintf("%q", v.String())
	case reflect.Chan, reflect.UnsafePointer:
		return v.Type().String()
	}
	return fmt.Sprint(v) // of what is no exported field too
}

// stringer is what the method String of v says.
func stringer(v reflect.Value) (text string, ok bool) {
	if !v.CanInterface() || v.Kind() == reflect.Pointer && v.IsNil() {
		return "", false
	}
	s, ok := v.Interface().(fmt.Stringer)
	if !ok {
		return "", false
	}
	return s.String(), true
}

// structText is a struct, or another thing behind a pointer.
func (d *describer) structText(v reflect.Value, name string, exportedOnly bool, depth int) string {
	if v.Kind() != reflect.Struct {
		return d.describe(v, true, depth+1)
	}
	var fields []string
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if v.Field(i).IsZero() || exportedOnly && !f.IsExported() {
			continue
		}
		fields = append(fields, f.Name+": "+d.describe(v.Field(i), false, depth+1))
	}
	return name + "{" + strings.Join(fields, ", ") + "}"
}

func funcText(v reflect.Value) string {
	if v.IsNil() {
		return "nil"
	}
	return runtime.FuncForPC(v.Pointer()).Name()
}

// Given is what files keep of a value that a program gave for one of its options, in place of a
// name, such as "Options.Loss = losses.Custom{Gamma: 80}".
func Given(option string, v any) string { return givenPrefix(option) + Describe(v) }

// GivenText is the description in a text that Given made; ok is false for another one.
func GivenText(text, option string) (description string, ok bool) {
	return strings.CutPrefix(text, givenPrefix(option))
}

// IsGiven reports whether Given made a text, for whatever option.
func IsGiven(text string) bool {
	rest, given := strings.CutPrefix(text, "Options.")
	option, _, described := strings.Cut(rest, " = ")
	return given && described && !strings.ContainsAny(option, " (){}=")
}

func givenPrefix(option string) string { return "Options." + option + " = " }
