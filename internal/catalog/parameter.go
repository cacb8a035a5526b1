package catalog

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/pkg/errors"
)

// Parameter is an exported field of a struct as its tags describe it.
type Parameter struct {
	Name string // name:"…", or the field's name in small letters with hyphens
	Doc  string // doc:"…", one line with the unit
	Old  []string
	Range
	// Choices are what a text may be; anything if nil. They come from choices:"a,b", or from a
	// method Choices() []string of the field's type.
	Choices []string
	// Unset says what the zero value means where it is no value of its own, such as "16, or
	// what suits the data": it is then in range, and stands for the parameter left out.
	Unset string
	// None says what none means for a parameter of which there may be none.
	None string

	Field string // path of the field in Go, such as Solver.LR
	Type  reflect.Type
	Tag   reflect.StructTag
	index []int
}

// Range bounds a number. Its zero value, and a NaN in place of a bound, is no bound.
type Range struct {
	Min, Max     *float64 // included
	Above, Below *float64 // not included
}

// contains reports whether x is within the range. Infinity is only where Max or Min is.
func (r Range) contains(x float64) bool {
	switch {
	case math.IsNaN(x),
		math.IsInf(x, 1) && (r.Max == nil || !math.IsInf(*r.Max, 1)),
		math.IsInf(x, -1) && (r.Min == nil || !math.IsInf(*r.Min, -1)):
		return false
	}
	return (r.Min == nil || x >= *r.Min) && (r.Max == nil || x <= *r.Max) && (r.Above == nil || x > *r.Above) && (r.Below == nil || x < *r.Below)
}

// String says what is in range, such as "0 to 1", "above 0, at most 1e+06" or "at least 1".
func (r Range) String() string {
	if r.Min != nil && r.Max != nil && !math.IsInf(*r.Max, 1) {
		return number(*r.Min) + " to " + number(*r.Max)
	}
	var parts []string
	for _, b := range []struct {
		word  string
		bound *float64
	}{{"at least ", r.Min}, {"above ", r.Above}, {"at most ", r.Max}, {"below ", r.Below}} {
		if b.bound != nil && !math.IsInf(*b.bound, 0) {
			parts = append(parts, b.word+number(*b.bound))
		}
	}
	if r.Max != nil && math.IsInf(*r.Max, 1) {
		parts = append(parts, "or inf")
	}
	return strings.Join(parts, ", ")
}

// number is x in the shortest form that reads back to the same bits.
func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// Parameters lists the parameters of a struct: its exported fields, in order, those of an
// embedded struct among them. A field with the tag name:"-" is none.
func Parameters(t reflect.Type) ([]Parameter, error) { return parametersIn(t, nil, "") }

func parametersIn(t reflect.Type, index []int, path string) (out []Parameter, err error) {
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(slices.Clone(index), i)
		switch {
		case f.Anonymous && f.Type.Kind() == reflect.Struct && f.Tag.Get("name") != "-":
			inner, err := parametersIn(f.Type, at, path)
			if err != nil {
				return nil, err
			}
			out = append(out, inner...)
			continue
		case !f.IsExported() || f.Tag.Get("name") == "-":
			continue
		}
		p, err := ParameterOf(f)
		if err != nil {
			return nil, errors.Wrapf(err, "field %s", f.Name)
		}
		p.index, p.Field = at, path+f.Name
		for _, name := range p.names() {
			if j := slices.IndexFunc(out, func(q Parameter) bool { return slices.Contains(q.names(), name) }); j >= 0 {
				return nil, errors.Errorf("field %s: the name %q is that of field %s", f.Name, name, out[j].Field)
			}
		}
		out = append(out, p)
	}
	return out, nil
}

// names are the name and those of earlier versions.
func (p *Parameter) names() []string { return append([]string{p.Name}, p.Old...) }

// ParameterOf is a field as its tags describe it.
func ParameterOf(f reflect.StructField) (Parameter, error) {
	p := Parameter{Name: f.Tag.Get("name"), Doc: f.Tag.Get("doc"), Unset: f.Tag.Get("unset"), None: f.Tag.Get("none"), Type: f.Type, Tag: f.Tag}
	if p.Name == "" {
		p.Name = Hyphens(f.Name)
	}
	p.Old, p.Choices = commas(f.Tag.Get("old")), commas(f.Tag.Get("choices"))
	if c, ok := reflect.Zero(f.Type).Interface().(interface{ Choices() []string }); ok && f.Type.Kind() == reflect.String && p.Choices == nil {
		p.Choices = c.Choices()
	}
	for _, name := range p.names() {
		if !IsName(name) {
			return p, errors.Errorf("the name %q, want letters, digits, - and _, a letter first", name)
		}
	}
	if p.Doc == "" || strings.Contains(p.Doc, "\n") {
		return p, errors.New(`want a tag doc:"…" of one line, or name:"-" for a field that is no parameter`)
	}
	for _, b := range []struct {
		tag   string
		bound **float64
	}{{"min", &p.Min}, {"max", &p.Max}, {"above", &p.Above}, {"below", &p.Below}} {
		text, ok := f.Tag.Lookup(b.tag)
		if !ok {
			continue
		}
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(x) {
			return p, errors.Errorf("tag %s:%q is not a number", b.tag, text)
		}
		*b.bound = &x
	}
	return p, errors.Wrapf(checkType(f.Type, 0), "tag or type")
}

// checkType says what is wrong with a type of a parameter.
func checkType(t reflect.Type, depth int) error {
	switch t.Kind() {
	case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return nil
	case reflect.Interface:
		if familyOf(t) == nil {
			return errors.Errorf("%v has no registry: make one with New, or tag the field name:\"-\"", t)
		}
		return nil
	case reflect.Slice:
		if depth < 3 {
			return checkType(t.Elem(), depth+1)
		}
	case reflect.Map:
		if t.Key().Kind() == reflect.String && depth < 3 {
			return checkType(t.Elem(), depth+1)
		}
	}
	return errors.Errorf("%v, want a number, a text, a switch, an interface with a registry, or a list or a map (by text) of such", t)
}

// Hyphens is a name in Go as it is typed: LossLR is loss-lr.
func Hyphens(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func commas(text string) []string {
	if text == "" {
		return nil
	}
	parts := strings.Split(text, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// IsName reports whether s can name a kind or a parameter.
func IsName(s string) bool {
	letter := func(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }
	rest := func(r rune) bool { return letter(r) || '0' <= r && r <= '9' || r == '-' || r == '_' }
	return s != "" && letter(rune(s[0])) && strings.IndexFunc(s, func(r rune) bool { return !rest(r) }) < 0
}

// Value is the field of the struct v, which may be addressed.
func (p *Parameter) Value(v reflect.Value) reflect.Value { return v.FieldByIndex(p.index) }

// scalar reads one value of a plain type and checks that it is in range.
func (p *Parameter) scalar(t reflect.Type, text string) (reflect.Value, error) {
	v := reflect.New(t).Elem()
	switch t.Kind() {
	case reflect.Bool:
		x, err := strconv.ParseBool(text)
		if err != nil {
			return v, errors.Errorf("%s is neither true nor false", quote(text))
		}
		v.SetBool(x)
		return v, nil
	case reflect.String:
		v.SetString(text)
	case reflect.Float32, reflect.Float64:
		if digits := strings.TrimLeft(text, "+-"); strings.EqualFold(digits, ".inf") { // as YAML has it
			text = strings.Replace(text, ".", "", 1)
		}
		x, err := strconv.ParseFloat(text, t.Bits())
		if err != nil && !(errors.Is(err, strconv.ErrRange) && !math.IsInf(x, 0)) || math.IsNaN(x) {
			return v, errors.Errorf("%s is not a number", quote(text))
		}
		v.SetFloat(x)
	default:
		if err := setWhole(v, text); err != nil {
			return v, err
		}
	}
	return v, p.Check(v)
}

// setWhole sets v, of any type of whole numbers.
func setWhole(v reflect.Value, text string) error {
	var err error
	if v.CanUint() {
		var x uint64
		if x, err = strconv.ParseUint(text, 10, v.Type().Bits()); err == nil {
			v.SetUint(x)
			return nil
		}
	} else {
		var x int64
		if x, err = strconv.ParseInt(text, 10, v.Type().Bits()); err == nil {
			v.SetInt(x)
			return nil
		}
	}
	if errors.Is(err, strconv.ErrRange) {
		return errors.Errorf("%s is too large", quote(text))
	}
	if _, e := strconv.ParseInt(text, 10, 64); e == nil {
		return errors.Errorf("%s is out of range, want at least 0", text)
	}
	return errors.Errorf("%s is not a whole number", quote(text))
}

// Check says what is wrong with a plain value: that it is out of range, or not one of the
// choices. Lists and maps are checked item by item.
func (p *Parameter) Check(v reflect.Value) error {
	if p.Unset != "" && v.IsZero() {
		return nil
	}
	return p.check(v)
}

// isScalar reports whether a type is that of numbers or of texts.
func isScalar(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Bool, reflect.Slice, reflect.Map, reflect.Interface:
		return false
	}
	return true
}

// CheckWritten is Check of a value that somebody wrote: the zero value must not stand for another
// one then.
func (p *Parameter) CheckWritten(v reflect.Value) error {
	if err := p.check(v); err != nil || p.Unset == "" || !isScalar(v.Type()) || !v.IsZero() {
		return err
	}
	return errors.Errorf("%#v would mean the default, which is %s: leave it out for that, or give another value", v.Interface(), p.Unset)
}

// check is Check of a value that is meant, or of an item of a list.
func (p *Parameter) check(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() && p.None == "" {
			return errors.Errorf("nil, want %s", familyOf(v.Type()).noun)
		}
		if e := v.Elem(); e.Kind() == reflect.Pointer && e.IsNil() {
			return errors.Errorf("a nil %v, want %s", e.Type(), familyOf(v.Type()).noun)
		}
	case reflect.Float32, reflect.Float64:
		return p.inRange(v.Float())
	case reflect.String:
		if p.Choices != nil && !slices.Contains(p.Choices, v.String()) {
			return errors.Errorf("%s is not a choice%s; want %s", quote(v.String()), Hint(v.String(), p.Choices), strings.Join(p.Choices, ", "))
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := p.check(v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		for _, k := range sortedKeys(v) {
			if err := p.check(v.MapIndex(k)); err != nil {
				return err
			}
		}
	default:
		switch {
		case v.CanInt():
			return p.inRange(float64(v.Int()))
		case v.CanUint():
			return p.inRange(float64(v.Uint()))
		}
	}
	return nil
}

func (p *Parameter) inRange(x float64) error {
	if p.contains(x) {
		return nil
	}
	want := p.Range.String()
	if want == "" {
		want = "a finite number"
	}
	return errors.Errorf("%g is out of range, want %s", x, want)
}

func sortedKeys(m reflect.Value) []reflect.Value {
	keys := m.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	return keys
}

// wants says what a value of the parameter is, for who gave another one.
func (p *Parameter) wants() string {
	switch p.Type.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		if p.Choices != nil {
			return strings.Join(p.Choices, ", ")
		}
		return "text"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list, such as [a, b]"
	case reflect.Map:
		return "a map, such as {name: value}"
	case reflect.Interface:
		return fmt.Sprintf("%s, such as name(parameter=value)", familyOf(p.Type).noun)
	}
	return "a whole number"
}
