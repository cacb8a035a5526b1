package main

import (
	"strings"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/field"
)

// wrong is an error about flags: each field.Name among args is a flag, such as "-lr".
func wrong(format string, args ...any) error { return field.Errorf("", "", format, args...) }

// asTyped is a setting of the trainer, such as Data.TrainClasses, as a person calls it, and with
// a value as it is typed.
func (f *flags) asTyped(setting, value string) string {
	if value == "" {
		return f.Called(setting)
	}
	return asFlag(setting, value)
}

// asFlag is a setting of the trainer with its value as it is typed.
func asFlag(setting, value string) string {
	name := "-" + setting
	if o := schema.Field(setting); o != nil {
		name = "-" + o.Typed()
	}
	if value == "" || value == "true" {
		return name
	}
	return name + " " + shellWord(value)
}

// told is err in the words of the command line.
func (f *flags) told(err error) string {
	text := field.Told(err, f.asTyped)
	if q := new(datasets.Question); errors.As(err, &q) {
		asked := q.In(func(s datasets.Setting) string { return asFlag("Data."+s.Name, s.Value) })
		text = strings.Replace(text, field.Bare(q.Error()), asked, 1)
	}
	return text
}
