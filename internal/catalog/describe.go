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
	text := describe(reflect.ValueOf(v), true, 0)
	if len(text) > longestDescription {
		text = fmt.Sprintf("%s… (%x)", strings.ToValidUTF8(text[:longestDescription], ""), sha256.Sum256([]byte(text)))
	}
	return text
}

const longestDescription = 2000 // bytes

// describe is v with its type if that is not known from where v stands.
func describe(v reflect.Value, typed bool, depth int) string {
	if !v.IsValid() {
		return "nil"
	}
	name := ""
	if typed {
		name = v.Type().String()
	}
	if s, ok := stringer(v); ok {
		return fmt.Sprintf("%s(%s)", v.Type(), s)
	}
	switch v.Kind() {
	case reflect.Interface:
		return describe(v.Elem(), true, depth)
	case reflect.Pointer:
		switch {
		case v.IsNil():
			return "nil"
		case depth > deepest:
			return name
		}
		return "&" + structText(v.Elem(), v.Elem().Type().String(), true, depth)
	case reflect.Struct:
		return structText(v, name, false, depth)
	case reflect.Func:
		return funcText(v)
	case reflect.Slice, reflect.Array:
		var items []string
		for i := range v.Len() {
			items = append(items, describe(v.Index(i), false, depth+1))
		}
		return name + "{" + strings.Join(items, ", ") + "}"
	case reflect.Map:
		var items []string
		for _, key := range v.MapKeys() {
			items = append(items, describe(key, false, depth+1)+": "+describe(v.MapIndex(key), false, depth+1))
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
func structText(v reflect.Value, name string, exportedOnly bool, depth int) string {
	if v.Kind() != reflect.Struct {
		return describe(v, true, depth+1)
	}
	var fields []string
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if v.Field(i).IsZero() || exportedOnly && !f.IsExported() {
			continue
		}
		fields = append(fields, f.Name+": "+describe(v.Field(i), false, depth+1))
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
func Given(option string, v any) string { return givenAs(option) + Describe(v) }

// GivenText is the description in a text that Given made; ok is false for another one.
func GivenText(text, option string) (description string, ok bool) {
	return strings.CutPrefix(text, givenAs(option))
}

// IsGiven reports whether Given made a text, for whatever option.
func IsGiven(text string) bool {
	rest, given := strings.CutPrefix(text, "Options.")
	option, _, described := strings.Cut(rest, " = ")
	return given && described && !strings.ContainsAny(option, " (){}=")
}

func givenAs(option string) string { return "Options." + option + " = " }
