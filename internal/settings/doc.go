// Package settings is how a configuration in Go becomes flags, a file and help: each option is
// one field of a struct, with tags beside it, and nothing else.
//
//	LR float64 `yaml:"lr,omitempty" flag:"lr" arg:"RATE" doc:"learning rate" group:"Training" unset:"…"`
//
// The tags are those of package catalog (doc, min, max, above, below, choices, unset), and
//
//	yaml:"key"   the key in a file, below that of the struct around it: solver.lr
//	flag:"name"  the flag; it is also a key at the top of a file, the short way to the field.
//	             A field without it is set in files, and as a parameter of its kind
//	arg:"NAME"   what the help page calls the value
//	want:"…"     which values there can be, where the range does not say it well
//	group:"…"    the title that the flag stands below; on a struct, for all fields in it
//	shown:"…"    how the help page tells the default, where not as text says it
//	said:"name"  another flag, which messages name for a field that has none
//	file:"-"     stands in no file that is written; file:"never" in none that is read either
//	nested:""    the text names kinds, and may be a map or a list in a file
//	kind:"a b"   the field names one of several kinds, such as a solver, whose parameters
//	             are the other fields of the struct: adamw(beta2=0.99)
//	scheme:"a"   of a field with kinds: what begins with a: and goes on, such as with the name of a
//	             file, is a kind as it stands, whatever brackets are in it, and reads what a reads
//	for:"a,b"    the kinds that read the field; all if there is no such tag
//
// A struct among the fields is a section of the file; with yaml:",inline" its fields are those
// of the struct around it.
package settings
