package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/pkg/errors"
	"go.yaml.in/yaml/v3"

	"medusa/internal/catalog"
	"medusa/internal/settings"
	"medusa/losses"
	"medusa/trainer"
)

// flags are the options with the flags that set them. The names of the flags are also keys of
// a configuration file.
type flags struct {
	*settings.Reader
	options     *options
	set         *flag.FlagSet
	commandLine []assignment // in order
	bad         error        // what is wrong with the first that is
	keepNow     trainer.Keep // of a run that is resumed, where the command line says so
}

type assignment struct{ flag, text string }

func newFlags() *flags {
	o := prototype()
	f := &flags{options: &o, set: flag.NewFlagSet("train", flag.ContinueOnError)}
	f.Reader = schema.Reader(f.options, forms)
	f.Check("Loss", func(y *yaml.Node) error {
		_, err := losses.FromYAML(y, losses.Setting{Classes: 2, EmbeddingSize: 2, TrunkSize: 2})
		return err
	})
	f.set.SetOutput(io.Discard) // errors and help are printed by main
	for _, o := range schema.Options {
		if o.Flag != "" {
			f.set.Var(&value{f, o}, o.Flag, o.Doc)
		}
	}
	return f
}

// value is an option as package flag sees it.
type value struct {
	flags  *flags
	option *settings.Option
}

func (v *value) String() string {
	if v.flags == nil { // package flag asks a zero value
		return ""
	}
	return v.flags.TextOf(v.option.Flag)
}

func (v *value) Set(text string) error {
	f := v.flags
	f.commandLine = append(f.commandLine, assignment{v.option.Flag, text})
	err := f.Flag(v.option.Flag, text)
	if err != nil && f.bad == nil {
		f.bad = err
	}
	return err
}

// IsBoolFlag lets a switch stand without a value.
func (v *value) IsBoolFlag() bool { return v.option.IsSwitch() }

// parse reads the command line. Its errors name the nearest flag there is.
func (f *flags) parse(args []string) error {
	err := f.set.Parse(args)
	if err == nil && f.set.NArg() > 0 {
		err = errors.Errorf("unexpected argument %q; did you mean -data %s?", f.set.Arg(0), shellWord(f.set.Arg(0)))
	}
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return err
	}
	if f.bad != nil {
		return f.bad
	}
	const unknown = "flag provided but not defined: -"
	if name, ok := strings.CutPrefix(err.Error(), unknown); ok {
		hint := ""
		if best := catalog.Nearest(name, f.names()); best != "" {
			hint = "; did you mean -" + best + "?"
		}
		return errors.Errorf("there is no flag -%s%s; -h lists all", name, hint)
	}
	const noValue = "flag needs an argument: -"
	if name, ok := strings.CutPrefix(err.Error(), noValue); ok {
		return errors.Errorf("-%s wants a value: -%s %s", name, name, schema.Flagged(name).Arg)
	}
	return err
}

func (f *flags) names() (names []string) {
	f.set.VisitAll(func(fl *flag.Flag) { names = append(names, fl.Name) })
	return names
}

// given tells which flags stood on the command line.
func (f *flags) given() map[string]bool {
	names := map[string]bool{}
	for _, a := range f.commandLine {
		names[a.flag] = true
	}
	return names
}

// again sets what the command line says once more, after a file: the command line wins.
func (f *flags) again() error {
	for _, a := range f.commandLine {
		if err := f.Flag(a.flag, a.text); err != nil {
			return err
		}
	}
	return nil
}

// titles are the groups of the help page, in order.
var titles = []string{"Pictures", "Augmentation (none by default)", "Network", "Loss and batches", "Training", "Measuring and saving", "This run"}

// help prints the page in lines of at most so many columns.
func (f *flags) help(w io.Writer, columns int) {
	for _, title := range titles {
		fmt.Fprintf(w, "\n%s\n", title)
		for _, o := range schema.Options {
			if o.Flag != "" && o.Group == title {
				f.helpEntry(w, o, columns)
			}
		}
	}
}

func (f *flags) helpEntry(w io.Writer, o *settings.Option, columns int) {
	const column = 26
	head := strings.TrimRight("  -"+o.Flag+" "+o.Arg, " ")
	lines := strings.Split(text.WrapSoft(usage(o), columns-column), "\n")
	if len(head) >= column {
		fmt.Fprintln(w, head)
		head = ""
	}
	for _, line := range lines {
		fmt.Fprintf(w, "%-*s%s\n", column, head, strings.TrimRight(line, " "))
		head = ""
	}
}

// usage is what the help page says of a flag: with the default in brackets, or with what holds
// without it.
func usage(o *settings.Option) string {
	p := prototype()
	def := o.Shown
	if form, ok := forms[o.Flag]; ok && def == "" {
		def = form.Text(&p)
	} else if def == "" {
		def = o.Text(&p)
	}
	switch {
	case !slices.Contains([]string{"", "-", "0", "false"}, def):
		return o.Doc + " (" + def + ")"
	case o.Unset != "" && o.Shown == "":
		return o.Doc + ". Without it: " + o.Unset
	}
	return o.Doc
}
