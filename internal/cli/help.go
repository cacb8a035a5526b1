package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/pkg/errors"
	urfave "github.com/urfave/cli/v3"

	"medusa/internal/catalog"
	"medusa/internal/settings"
	"medusa/internal/terminal"
	"medusa/losses"
	"medusa/miners"
	"medusa/pairs"
)

// widestHelp is how many columns the help takes where there are more.
const widestHelp = 92

// page writes a page of help to standard output, in lines that fit.
func (c *invocation) page(of func(columns int) string) {
	w := c.screen(c.Out, false)
	w.Page(of(min(w.Width(), widestHelp)))
}

// page is the help of a command, in lines of at most so many columns where words allow it.
func (k *command) page(f *flagSet, columns int) string {
	var b strings.Builder
	fmt.Fprintln(&b, terminal.Wrap(f.call.name+" "+k.intro, columns))
	b.WriteString("\n" + examplesPage(f.call, k.examples, columns))
	if k.notes != "" {
		fmt.Fprintf(&b, "\n%s\n", terminal.Wrap(k.notes, columns))
	}
	b.WriteString(f.page(columns))
	if k.more != nil {
		b.WriteString(k.more(f.call, columns))
	}
	return b.String()
}

// examplesPage shows what can be typed, and beside or below it what that does.
func examplesPage(c *invocation, examples []example, columns int) string {
	var entries [][2]string
	for _, e := range examples {
		entries = append(entries, [2]string{c.toType(e.args...), e.does})
	}
	return entriesPage(entries, columns)
}

// entriesPage is a list of things with what is said of each, in a column of its own where there
// is room.
func entriesPage(entries [][2]string, columns int) string {
	column := 0
	for _, e := range entries {
		if n := text.StringWidthWithoutEscSequences(e[0]) + 4; e[1] != "" && n <= columns/2 {
			column = max(column, n)
		}
	}
	var b strings.Builder
	for _, e := range entries {
		b.WriteString(entry(e[0], e[1], column, columns))
	}
	return b.String()
}

// leastDoc is how many columns the right one of two must have: else the text goes below.
const leastDoc = 30

// entry is a thing, indented, with what is said of it from a column on, below it where the thing
// is too long or the column has no room or is none.
func entry(head, doc string, column, columns int) string {
	head = "  " + head
	if column == 0 || columns-column < leastDoc {
		column = 6
	}
	var b strings.Builder
	if doc == "" || text.StringWidthWithoutEscSequences(head) >= column {
		b.WriteString(head + "\n")
		head = ""
	}
	if doc == "" {
		return b.String()
	}
	for line := range strings.SplitSeq(text.WrapSoft(doc, columns-column), "\n") {
		line = strings.TrimRight(line, " ")
		fmt.Fprintf(&b, "%s%s%s\n", head, strings.Repeat(" ", column-text.StringWidthWithoutEscSequences(head)), line)
		head = ""
	}
	return b.String()
}

// page is what the help says of the flags.
func (f *flagSet) page(columns int) string {
	var b strings.Builder
	for _, title := range f.titles {
		fmt.Fprintf(&b, "\n%s\n", title)
		for _, o := range f.Options {
			if o.Flag != "" && o.Group == title {
				b.WriteString(entry(strings.TrimRight("-"+o.Flag+" "+o.Arg, " "), f.usage(o), 26, columns))
			}
		}
	}
	return b.String()
}

// usage is what the help page says of a flag: with the default in brackets, or with what holds
// without it.
func (f *flagSet) usage(o *settings.Option) string {
	def := o.Shown
	if form, ok := f.forms[o.Flag]; ok && def == "" {
		def = form.Text(f.unset)
	} else if def == "" {
		def = o.Text(f.unset)
	}
	switch {
	case !slices.Contains([]string{"", "-", "0", "false"}, def):
		return o.Doc + " (" + def + ")"
	case o.Unset != "" && o.Shown == "":
		return o.Doc + ". Without it: " + o.Unset
	}
	return o.Doc
}

// namesPage lists what has a name within the text of -loss.
func namesPage(c *invocation, columns int) string {
	var b strings.Builder
	for _, part := range []struct{ title, list, page string }{
		{"Losses", "losses", losses.Help(columns)},
		{"Miners, as a loss's miner", "miners", miners.Help(columns)},
		{"Distances, as a loss's distance", "distances", pairs.MetricHelp(columns)},
		{"Reducers, as a loss's reducer", "reducers", pairs.ReducerHelp(columns)},
		{"Regularizers, as a classifier's regularizer", "regularizers", losses.RegularizerHelp(columns)},
	} {
		more := c.toType("-list", part.list) + " lists their parameters"
		if text.StringWidthWithoutEscSequences(more) > columns {
			more = "more of them:\n  " + c.toType("-list", part.list)
		}
		fmt.Fprintf(&b, "\n%s\n%s\n%s\n", terminal.Wrap(part.title, columns), part.page, more)
	}
	return b.String()
}

// programPage is the help of the program: what commands there are.
func (c *invocation) programPage(columns int) string {
	var b strings.Builder
	fmt.Fprintln(&b, terminal.Wrap(c.name+" learns what things look alike, and says what it learned.", columns))
	var entries [][2]string
	for _, k := range commands() {
		entries = append(entries, [2]string{strings.TrimSpace(k.name + " " + k.takes), k.about})
	}
	entries = append(entries,
		[2]string{"completion SHELL", "print what makes bash, zsh, fish or pwsh complete commands and flags"},
		[2]string{"help COMMAND", "say more about a command, as COMMAND -h does"})
	fmt.Fprintf(&b, "\n%s\nFor instance\n%s", entriesPage(entries, columns), examplesPage(c, []example{
		{[]string{"train", "-data", "photos"}, ""},
		{[]string{"help", "train"}, ""},
	}, columns))
	return b.String()
}

// names are those of the program's commands.
func names() []string {
	out := []string{"completion", "help"}
	for _, k := range commands() {
		out = append(out, k.name)
	}
	slices.Sort(out)
	return out
}

// withoutCommand is the program where no command of it is called.
func (c *invocation) withoutCommand(args []string) error {
	switch {
	case c.help:
		c.page(c.programPage)
	case len(args) == 0:
		w := c.screen(c.Err, false)
		w.Page(c.programPage(min(w.Width(), widestHelp)))
		c.code = exitUsage
	default:
		c.refuse(c.unknown(args[0]))
	}
	return nil
}

// refuse says that the command line is wrong.
func (c *invocation) refuse(err error) {
	c.say(err.Error())
	c.code = exitUsage
}

// unknown is the error of a command that is none.
func (c *invocation) unknown(name string) error {
	hint := ""
	if best := catalog.Nearest(name, names()); best != "" {
		hint = "; did you mean " + best + "?"
	}
	return errors.Errorf("there is no command %q%s; this lists all:\n  %s", name, hint, c.toType("help"))
}

// refuseFlag says what is wrong where no command was found, but a flag; args stand before it.
func (c *invocation) refuseFlag(err error, args []string) error {
	if len(args) > 0 {
		c.refuse(c.unknown(args[0]))
		return nil
	}
	if name, ok := strings.CutPrefix(err.Error(), unknownFlag); ok {
		for _, k := range commands() {
			if k.name == name {
				c.refuse(errors.Errorf("%s is a command, and has no - before it:\n  %s", name, c.toType(name)))
				return nil
			}
			if k.begin(c.of(k.name)).flags().Flagged(name) != nil {
				c.refuse(errors.Errorf("-%s is a flag of the command %s: type that before it", name, k.name))
				return nil
			}
		}
		err = errors.Errorf("there is no flag -%s before a command; this lists the commands:\n  %s", name, c.toType("help"))
	}
	c.refuse(err)
	return nil
}

// helpCommand is the command help.
func (c *invocation) helpCommand() *urfave.Command {
	return &urfave.Command{
		Name: "help", HideHelp: true, SkipFlagParsing: true, ExitErrHandler: keepProcess, ShellComplete: c.completeCommand,
		Action: func(_ context.Context, cmd *urfave.Command) error {
			args := cmd.Args().Slice()
			if len(args) == 0 || args[0] == "help" || strings.HasPrefix(args[0], "-") {
				c.page(c.programPage)
				return nil
			}
			i := slices.IndexFunc(commands(), func(k *command) bool { return k.name == args[0] })
			switch {
			case args[0] == "completion":
				c.page(c.completionPage)
			case i < 0:
				c.refuse(c.unknown(args[0]))
			case len(args) > 1:
				c.refuse(errors.Errorf("help takes one command: %s and %s are two", args[0], args[1]))
			default:
				k := commands()[i]
				of := c.of(k.name)
				c.page(func(columns int) string { return k.page(k.begin(of).flags(), columns) })
			}
			return nil
		},
	}
}
