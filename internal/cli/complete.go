package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pkg/errors"
	urfave "github.com/urfave/cli/v3"

	"medusa/internal/settings"
	"medusa/internal/terminal"
)

// shells are those that the library of commands has scripts for.
var shells = []string{"bash", "zsh", "fish", "pwsh"}

// completion gives the library's command completion our words.
func (c *invocation) completion(cmd *urfave.Command) {
	cmd.HideHelp, cmd.ExitErrHandler = true, keepProcess
	cmd.Flags = []urfave.Flag{helpFlag{c}}
	for _, shell := range cmd.Commands {
		shell.HideHelp = true
		script := shell.Action
		shell.OnUsageError = func(context.Context, *urfave.Command, error, bool) error { return c.onlyShell(shell.Name) }
		shell.Action = func(ctx context.Context, cmd *urfave.Command) error {
			if cmd.Args().Present() {
				return c.onlyShell(shell.Name)
			}
			return script(ctx, cmd)
		}
	}
	cmd.OnUsageError = func(_ context.Context, _ *urfave.Command, err error, _ bool) error { return c.refuseFlag(err, nil) }
	cmd.Action = func(_ context.Context, cmd *urfave.Command) error {
		switch args := cmd.Args().Slice(); {
		case c.help:
			c.page(c.completionPage)
		case len(args) == 0:
			c.refuse(errors.Errorf("completion of which shell? %s", strings.Join(shells, ", ")))
		default:
			c.refuse(errors.Errorf("there is no completion for %q, but for %s", args[0], strings.Join(shells, ", ")))
		}
		return nil
	}
}

// onlyShell refuses more than the name of a shell.
func (c *invocation) onlyShell(name string) error {
	c.refuse(errors.Errorf("completion %s takes nothing more:\n  %s", name, c.toType("completion", name)))
	return nil
}

// completionPage is the help of the command completion.
func (c *invocation) completionPage(columns int) string {
	name := c.program.name
	return terminal.Wrap(c.name+" completion prints what makes a shell complete commands, flags and their values. It is for the program as it is called by its name alone:\n\n"+
		"  source <("+name+" completion bash)    in ~/.bashrc\n"+
		"  source <("+name+" completion zsh)    in ~/.zshrc, after compinit\n"+
		"  "+name+" completion fish > ~/.config/fish/completions/"+name+".fish\n"+
		"  "+name+" completion pwsh > "+name+".ps1    and run that", columns) + "\n"
}

// completeCommand prints the names that a command can have.
func (c *invocation) completeCommand(context.Context, *urfave.Command) {
	for _, k := range commands() {
		c.suggest(k.name, k.about)
	}
	c.suggest("completion", "what makes a shell complete")
	c.suggest("help", "more about a command")
}

// complete prints what can stand behind args: the values of the flag that they end with, or the
// flags that begin as the last of them does. Where it prints nothing a shell takes names of files.
func (f *flagSet) complete(args []string) {
	if len(args) == 0 || !strings.HasPrefix(args[len(args)-1], "-") {
		return
	}
	last := args[len(args)-1]
	dashes := last[:len(last)-len(strings.TrimLeft(last, "-"))]
	name := last[len(dashes):]
	if o := f.Flagged(name); o != nil && !o.IsSwitch() {
		for _, value := range f.values(o) {
			f.call.suggest(value, "")
		}
		return
	}
	for _, o := range f.Options {
		if o.Flag != "" && strings.HasPrefix(o.Flag, name) {
			f.call.suggest(dashes+o.Flag, f.usage(o))
		}
	}
}

// values are those that a flag can have, as far as they have names.
func (f *flagSet) values(o *settings.Option) []string {
	if o.Choices != nil {
		return o.Choices
	}
	for _, l := range lists {
		if l.field == o.Field {
			return append(slices.Clone(l.names()), "help")
		}
	}
	if o.Flag == "list" {
		return listNames()
	}
	return nil
}

// suggest prints something that can be typed, and what it is, as the scripts of the shells read it.
func (c *invocation) suggest(what, about string) {
	about, _, _ = strings.Cut(strings.ReplaceAll(about, "\n", " "), ". ")
	if about != "" {
		what += ":" + about
	}
	fmt.Fprintln(c.Out, what)
}
