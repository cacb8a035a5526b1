package trainer

// Naming says how the reader of a message knows a setting. field is its name in Config, such
// as Data.Val; value is what it should be, or empty where the setting itself is meant. A
// program passes one that turns fields into its flags; nil names the fields.
type Naming func(field, value string) string

func (n Naming) of(field, value string) string {
	switch {
	case n != nil:
		return n(field, value)
	case value == "":
		return field
	}
	return field + ": " + value
}
