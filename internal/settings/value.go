package settings

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/pkg/errors"
)

// typeError says that a text is no value of a type.
type typeError struct {
	text, want string
	tooLarge   bool
}

func (e *typeError) Error() string {
	if e.tooLarge {
		return fmt.Sprintf("%q: too large, want a smaller %s", e.text, strings.TrimPrefix(e.want, "a "))
	}
	return fmt.Sprintf("%q: want %s", e.text, e.want)
}

// set reads text into v. A list has commas between, and may stand in brackets.
func set(v reflect.Value, text string) error {
	wrong := func(err error) error {
		if err == nil {
			return nil
		}
		return &typeError{text: text, want: wants(v.Type()), tooLarge: errors.Is(err, strconv.ErrRange)}
	}
	switch {
	case v.Kind() == reflect.String:
		v.SetString(text)
		return nil
	case v.Kind() == reflect.Bool:
		x, err := strconv.ParseBool(text)
		v.SetBool(x)
		return wrong(err)
	case v.CanFloat():
		x, err := strconv.ParseFloat(text, v.Type().Bits())
		v.SetFloat(x)
		return wrong(err)
	case v.CanUint():
		x, err := strconv.ParseUint(text, 0, v.Type().Bits())
		v.SetUint(x)
		return wrong(err)
	case v.CanInt():
		x, err := strconv.ParseInt(text, 0, v.Type().Bits())
		v.SetInt(x)
		return wrong(err)
	}
	inner := strings.TrimSpace(text)
	if strings.HasPrefix(inner, "[") && strings.HasSuffix(inner, "]") {
		inner = inner[1 : len(inner)-1]
	}
	items := strings.Split(inner, ",")
	if strings.TrimSpace(inner) == "" {
		items = nil
	}
	return setList(v, items, text)
}

// setList reads items into the list v; all is what they stood in.
func setList(v reflect.Value, items []string, all string) error {
	v.SetZero()
	for _, item := range items {
		e := reflect.New(v.Type().Elem()).Elem()
		if err := set(e, strings.TrimSpace(item)); err != nil {
			return &typeError{text: all, want: wants(v.Type())}
		}
		v.Set(reflect.Append(v, e))
	}
	return nil
}

// wants says what a value of the type is.
func wants(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice:
		if k := t.Elem().Kind(); k == reflect.Float32 || k == reflect.Float64 {
			return "numbers with commas between, such as 0.5,0.4"
		}
		return "numbers from 1 with commas between, such as 32,64,128"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number from 0"
	}
	return "a whole number"
}

// text is a value as set reads it.
func text(v reflect.Value) string {
	switch {
	case v.Kind() == reflect.String:
		return v.String()
	case v.CanFloat():
		return strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits())
	case v.Kind() == reflect.Slice:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = text(v.Index(i))
		}
		return strings.Join(items, ",")
	}
	return fmt.Sprint(v.Interface())
}
