package main

import (
	"flag"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/pkg/errors"
)

// flags is a flag set whose help is a page in groups. The names of the flags are also
// the keys of a configuration file.
type flags struct {
	set    *flag.FlagSet
	groups []group
	origin map[string]string // where in a file a flag was set, by its name
}

type group struct {
	title   string
	entries []entry
}

type entry struct {
	name, arg, usage string
	keep             bool // belongs into config.yaml
}

func newFlags() *flags {
	f := &flags{set: flag.NewFlagSet("train", flag.ContinueOnError), origin: map[string]string{}}
	f.set.SetOutput(io.Discard) // errors and help are printed by main
	return f
}

func (f *flags) group(title string) { f.groups = append(f.groups, group{title: title}) }

func (f *flags) add(name, arg, usage string) {
	g := &f.groups[len(f.groups)-1]
	g.entries = append(g.entries, entry{name: name, arg: arg, usage: usage, keep: true})
}

// notStored marks the last flag as one that does not belong into a run's configuration.
func (f *flags) notStored() {
	g := &f.groups[len(f.groups)-1]
	g.entries[len(g.entries)-1].keep = false
}

func (f *flags) text(p *string, name, def, arg, usage string) {
	f.set.StringVar(p, name, def, usage)
	f.add(name, arg, usage)
}

func (f *flags) whole(p *int, name string, def int, arg, usage string) {
	f.set.IntVar(p, name, def, usage)
	f.add(name, arg, usage)
}

func (f *flags) number(p *float64, name string, def float64, arg, usage string) {
	f.set.Float64Var(p, name, def, usage)
	f.add(name, arg, usage)
}

func (f *flags) yes(p *bool, name string, def bool, usage string) {
	f.set.BoolVar(p, name, def, usage)
	f.add(name, "", usage)
}

// parse reads the command line. Its errors name the nearest flag there is.
func (f *flags) parse(args []string) error {
	err := f.set.Parse(args)
	if err == nil && f.set.NArg() > 0 {
		err = errors.Errorf("unexpected argument %q; did you mean -data %s?", f.set.Arg(0), shellWord(f.set.Arg(0)))
	}
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return err
	}
	const unknown = "flag provided but not defined: -"
	if name, ok := strings.CutPrefix(err.Error(), unknown); ok {
		return errors.Errorf("there is no flag -%s%s; -h lists all", name, f.suggest(name, "-"))
	}
	if m := unreadable.FindStringSubmatch(err.Error()); m != nil {
		if m[3] == "value out of range" {
			return errors.Errorf("-%s %s: too large, want a smaller %s", m[2], m[1], strings.TrimPrefix(f.wants(m[2]), "a "))
		}
		return errors.Errorf("-%s %s: want %s", m[2], m[1], f.wants(m[2]))
	}
	return err
}

// unreadable is what package flag says of a value that a flag cannot take.
var unreadable = regexp.MustCompile(`(?s)^invalid (?:boolean )?value (".*") for (?:flag )?-(\S+): (.*)$`)

// wants says what values a flag takes.
func (f *flags) wants(name string) string {
	value, _ := f.set.Lookup(name).Value.(flag.Getter)
	if value == nil {
		return "another value"
	}
	switch value.Get().(type) {
	case int:
		return "a whole number"
	case float64:
		return "a number"
	case bool:
		return "true or false"
	}
	return "another value"
}

// suggest is a hint at the nearest name, or nothing if none is near.
func (f *flags) suggest(name, prefix string) string {
	const longest = 64 // bytes: a longer word is no slip of a name, and the distance takes the square of the time
	if len(name) > longest {
		return ""
	}
	best, distance := "", min(max(2, 1+len(name)/3), len(name)) // fewer slips than that
	f.set.VisitAll(func(fl *flag.Flag) {
		d := levenshtein.ComputeDistance(name, fl.Name)
		if strings.HasPrefix(fl.Name, name) {
			d = 0 // a beginning is nearer than any slip
		}
		if d < distance {
			best, distance = fl.Name, d
		}
	})
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s%s?", prefix, best)
}

// given tells which flags stood on the command line.
func (f *flags) given() map[string]bool {
	names := map[string]bool{}
	f.set.Visit(func(fl *flag.Flag) { names[fl.Name] = true })
	return names
}

// help prints the page in lines of at most so many columns.
func (f *flags) help(w io.Writer, columns int) {
	for _, g := range f.groups {
		fmt.Fprintf(w, "\n%s\n", g.title)
		for _, e := range g.entries {
			f.helpEntry(w, e, columns)
		}
	}
}

func (f *flags) helpEntry(w io.Writer, e entry, columns int) {
	const column = 26
	head := "  -" + e.name
	if e.arg != "" {
		head += " " + e.arg
	}
	usage := e.usage
	if def := f.set.Lookup(e.name).DefValue; !slices.Contains([]string{"", "0", "0s", "false"}, def) {
		usage += " (" + def + ")"
	}
	lines := strings.Split(text.WrapSoft(usage, columns-column), "\n")
	if len(head) >= column {
		fmt.Fprintln(w, head)
		head = ""
	}
	for _, line := range lines {
		fmt.Fprintf(w, "%-*s%s\n", column, head, strings.TrimRight(line, " "))
		head = ""
	}
}
