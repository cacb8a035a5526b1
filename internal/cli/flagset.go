package cli

import (
	"slices"
	"strings"

	"github.com/pkg/errors"
	urfave "github.com/urfave/cli/v3"

	"medusa/internal/catalog"
	"medusa/internal/field"
	"medusa/internal/settings"
)

// flagSet are the flags of a command. They set the fields of a struct by its schema, and their
// names are also keys of a configuration file.
type flagSet struct {
	*settings.Reader
	call        *invocation
	unset       any // the struct where nothing is said, for the help
	forms       map[string]settings.Form
	titles      []string // the groups of the help page, in order
	commandLine []assignment
	bad         error              // what is wrong with the first flag that is
	ways        func(error) string // adds the way out of an error; may be nil
}

// assignment is a flag as it stands on the command line.
type assignment struct{ flag, text string }

// newFlagSet are flags that set the struct of the schema's type at config; unset points to
// another one, where nothing is said.
func newFlagSet(c *invocation, s *settings.Schema, config, unset any, forms map[string]settings.Form, titles ...string) *flagSet {
	return &flagSet{Reader: s.Reader(config, forms), call: c, unset: unset, forms: forms, titles: titles}
}

// parsed are the flags as the library of commands sees them.
func (f *flagSet) parsed() (out []urfave.Flag) {
	for _, o := range f.Options {
		if o.Flag != "" {
			out = append(out, &optionFlag{f, o})
		}
	}
	return append(out, helpFlag{f.call})
}

// optionFlag is an option as the library of commands sees it. It implements urfave.Flag.
type optionFlag struct {
	set    *flagSet
	option *settings.Option
}

func (o *optionFlag) String() string   { return "-" + o.option.Flag }
func (o *optionFlag) Get() any         { return o.set.TextOf(o.option.Flag) }
func (o *optionFlag) PreParse() error  { return nil }
func (o *optionFlag) PostParse() error { return nil }
func (o *optionFlag) Names() []string  { return []string{o.option.Flag} }
func (o *optionFlag) IsSet() bool      { return o.set.given()[o.option.Flag] }
func (o *optionFlag) IsLocal() bool    { return true }

// IsBoolFlag lets a switch stand without a value.
func (o *optionFlag) IsBoolFlag() bool { return o.option.IsSwitch() }

func (o *optionFlag) Set(_, text string) error { return o.set.assign(o.option.Flag, text) }

// assign sets what stands on the command line.
func (f *flagSet) assign(name, text string) error {
	f.commandLine = append(f.commandLine, assignment{name, text})
	err := f.Flag(name, text)
	if err != nil && f.bad == nil {
		f.bad = err
	}
	return err
}

// emptySwitch refuses -raw= among the program's arguments, which a shell makes of -raw=$UNSET and
// the library of commands takes for -raw.
func (f *flagSet) emptySwitch(args []string) error {
	for _, a := range f.commandLine {
		o := f.Flagged(a.flag)
		value := func(other assignment) bool { return strings.TrimLeft(other.text, "-") == a.flag+"=" }
		if !o.IsSwitch() || slices.ContainsFunc(f.commandLine, value) {
			continue
		}
		if slices.Contains(args, "-"+a.flag+"=") || slices.Contains(args, "--"+a.flag+"=") {
			return errors.Errorf("-%s \"\": want true or false", a.flag)
		}
	}
	return nil
}

// unknownFlag stands before the name of a flag in the library's error about one that is none.
const unknownFlag = "flag provided but not defined: -"

// explain says what is wrong with a command line that the library of commands refuses, with the
// nearest flag that there is.
func (f *flagSet) explain(err error) error {
	if f.bad != nil {
		return f.bad
	}
	if name, ok := strings.CutPrefix(err.Error(), unknownFlag); ok {
		hint := ""
		if best := catalog.Nearest(name, f.names()); best != "" {
			hint = "; did you mean -" + best + "?"
		}
		return errors.Errorf("there is no flag -%s%s; -h lists all", name, hint)
	}
	const noValue = "flag needs an argument: -"
	if name, ok := strings.CutPrefix(err.Error(), noValue); ok {
		name = strings.TrimPrefix(name, "-")
		return errors.Errorf("-%s wants a value: -%s %s", name, name, f.Flagged(name).Arg)
	}
	return err
}

// names are the flags' names.
func (f *flagSet) names() (names []string) {
	for _, o := range f.Options {
		if o.Flag != "" {
			names = append(names, o.Flag)
		}
	}
	slices.Sort(names)
	return names
}

// given tells which flags stood on the command line.
func (f *flagSet) given() map[string]bool {
	names := map[string]bool{}
	for _, a := range f.commandLine {
		names[a.flag] = true
	}
	return names
}

// reassign sets what the command line says once more, after a file: the command line wins.
func (f *flagSet) reassign() error {
	for _, a := range f.commandLine {
		if err := f.Flag(a.flag, a.text); err != nil {
			return err
		}
	}
	return nil
}

// wrong is an error about flags: each field.Name among args is a flag, such as "-lr".
func wrong(format string, args ...any) error { return field.Errorf("", "", format, args...) }
