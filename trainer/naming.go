package trainer

import (
	"medusa/internal/field"
)

// Naming says how the reader of a message knows a setting. field is its name in Config, such
// as Data.Val; value is what it should be, or empty where the setting itself is meant. A
// program passes one that turns fields into its flags, for what is said in the course of a run
// (Options.Naming) and to errors (FieldError); nil names the fields.
type Naming func(field, value string) string

func (n Naming) of(name, value string) string {
	if n != nil {
		return n(name, value)
	}
	return field.Plain(name, value)
}
