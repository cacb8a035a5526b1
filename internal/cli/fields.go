package cli

import (
	"strings"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/field"
	"medusa/internal/settings"
)

// asTyped returns a setting of the trainer, such as Data.TrainClasses, as a person types it, with a value
// if there is one.
func (f *flagSet) asTyped(setting, value string) string {
	if value == "" {
		return f.Called(setting)
	}
	return flagOf(f.Schema, setting, value)
}

// asFlag is a setting of the trainer with its value as it is typed.
func asFlag(setting, value string) string { return flagOf(schema, setting, value) }

// flagOf is a setting of a schema with its value as it is typed.
func flagOf(s *settings.Schema, setting, value string) string {
	name := "-" + setting
	if o := s.Field(setting); o != nil {
		name = "-" + o.Typed()
	}
	if value == "" || value == "true" {
		return name
	}
	return name + " " + shellWord(value)
}

// message returns the message of err in the words of the command line.
func (f *flagSet) message(err error) string {
	text := field.Told(err, f.asTyped)
	if q := new(datasets.Question); errors.As(err, &q) {
		asked := q.In(func(s datasets.Setting) string { return flagOf(f.Schema, "Data."+s.Name, s.Value) })
		text = strings.Replace(text, field.Bare(q.Error()), asked, 1)
	}
	return text
}
