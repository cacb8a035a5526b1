package serve

import (
	"encoding"
	"net/url"
	"reflect"
	"strconv"
	"strings"
)

// parameter is a field of a request, by the name that it has in JSON, in the query of a URL and in a form.
type parameter struct {
	name  string
	value reflect.Value
}

// parametersOf are the fields of the struct at into, those of embedded structs among them.
func parametersOf(into any) (out []parameter) {
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.Anonymous {
				walk(v.Field(i))
				continue
			}
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			out = append(out, parameter{name, v.Field(i)})
		}
	}
	walk(reflect.ValueOf(into).Elem())
	return out
}

func parameterNames(into any) (names []string) {
	for _, p := range parametersOf(into) {
		names = append(names, p.name)
	}
	return names
}

// fill sets the fields of the struct at into by texts, such as those of a query. A list is a name several times; one of
// its names may also stand in the singular. Entries of a map have names such as meta.camera.
func fill(into any, values url.Values) error {
	all := parametersOf(into)
	for name, texts := range values {
		p, key := find(all, name)
		if p == nil {
			return unknownParameter(name, into)
		}
		if p.value.Kind() != reflect.Slice && len(texts) > 1 {
			return badRequest("%s stands %d times, want it once", name, len(texts))
		}
		for _, text := range texts {
			if err := p.set(key, text); err != "" {
				return badRequest("%s is %.100q, want %s", name, text, err)
			}
		}
	}
	return nil
}

func find(all []parameter, name string) (p *parameter, key string) {
	prefix, key, dotted := strings.Cut(name, ".")
	for i := range all {
		switch {
		case all[i].name == "pictures" || all[i].name == "vectors":
		case all[i].name == name && all[i].value.Kind() != reflect.Map:
			return &all[i], ""
		case all[i].value.Kind() == reflect.Slice && all[i].name == name+"s":
			return &all[i], ""
		case all[i].value.Kind() == reflect.Map && dotted && all[i].name == prefix:
			return &all[i], key
		}
	}
	return nil, ""
}

// set sets a parameter, or an entry of it, by a text. It returns what is wanted if that cannot be.
func (p *parameter) set(key, text string) (want string) {
	switch v := p.value; v.Kind() {
	case reflect.Map:
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		v.SetMapIndex(reflect.ValueOf(key), reflect.ValueOf(text))
		return ""
	case reflect.Slice:
		one := reflect.New(v.Type().Elem()).Elem()
		if want := setOne(one, text); want != "" {
			return want
		}
		v.Set(reflect.Append(v, one))
		return ""
	default:
		return setOne(v, text)
	}
}

func setOne(v reflect.Value, text string) (want string) {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		return setOne(v.Elem(), text)
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(text)); err != nil {
			return err.Error()
		}
		return ""
	}
	var err error
	switch v.Kind() {
	case reflect.Int:
		var n int64
		n, err = strconv.ParseInt(text, 10, 64)
		v.SetInt(n)
	case reflect.Float64:
		var x float64
		x, err = strconv.ParseFloat(text, 64)
		v.SetFloat(x)
	case reflect.Bool:
		var b bool
		b, err = strconv.ParseBool(text)
		v.SetBool(b)
	default:
		v.SetString(text)
	}
	if err != nil {
		return wanted(v.Type())
	}
	return ""
}
