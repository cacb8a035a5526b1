package cli

import (
	"context"

	urfave "github.com/urfave/cli/v3"
)

// command is one of the program's. Each stands in a file of its own, and in commands.
type command struct {
	name     string
	takes    string // its arguments, as the help page names them: RUN
	about    string // a line, in the list of commands
	intro    string // what it does, after its name
	examples []example
	notes    string                                  // what else is to be known before the flags
	more     func(c *invocation, columns int) string // what stands behind the flags
	begin    func(*invocation) job
}

// example is what can be typed, and what it does.
type example struct {
	args []string
	does string
}

// job is a command that was called, with its flags.
type job interface {
	flags() *flagSet
	// do does what the flags and the other arguments ask for. A usageError says that nothing was
	// begun, and errStopped that somebody stopped it, which was told.
	do(ctx context.Context, args []string) error
}

// commands are those of Medusa, in the order of the help page.
func commands() []*command {
	return []*command{&training, &evaluating, &embedding, &calibrating, &verifying, &indexing, &searching, &deduplicating, &suspecting, &clustering, &serving, &pushing, &exporting, &informing, &versioning}
}

// tree is the program as the library of commands takes it.
func (p Program) tree(c *invocation) *urfave.Command {
	if p.alone != nil {
		return p.alone.tree(c)
	}
	root := &urfave.Command{
		Name: p.name, HideHelp: true, Writer: c.Out, ErrWriter: c.Err, Reader: c.In, Flags: []urfave.Flag{helpFlag{c}},
		EnableShellCompletion: true, ConfigureShellCompletionCommand: c.completion, ShellComplete: c.completeCommand,
		ExitErrHandler: keepProcess,
		OnUsageError: func(_ context.Context, cmd *urfave.Command, err error, _ bool) error {
			return c.refuseFlag(err, cmd.Args().Slice())
		},
		Action: func(_ context.Context, cmd *urfave.Command) error { return c.withoutCommand(cmd.Args().Slice()) },
	}
	for _, each := range commands() {
		root.Commands = append(root.Commands, each.tree(c.of(each.name)))
	}
	root.Commands = append(root.Commands, c.helpCommand())
	return root
}

// keepProcess does nothing: the caller of Run decides about the process and its exit code, not the library.
func keepProcess(context.Context, *urfave.Command, error) {}

// tree is a command as the library takes it.
func (k *command) tree(c *invocation) *urfave.Command {
	j := k.begin(c)
	f := j.flags()
	return &urfave.Command{
		Name: k.name, HideHelp: true, Writer: c.Out, ErrWriter: c.Err, Reader: c.In, Flags: f.parsed(),
		ShellComplete:  func(_ context.Context, cmd *urfave.Command) { f.complete(cmd.Args().Slice()) },
		ExitErrHandler: keepProcess,
		OnUsageError: func(ctx context.Context, _ *urfave.Command, err error, _ bool) error {
			k.helpOr(ctx, c, f, func() error { return usageError{f.explain(err)} })
			return nil
		},
		Action: func(ctx context.Context, cmd *urfave.Command) error {
			k.helpOr(ctx, c, f, func() error {
				if err := f.emptySwitch(c.root().args); err != nil {
					return usageError{err}
				}
				return j.do(ctx, cmd.Args().Slice())
			})
			return nil
		},
	}
}

// helpOr shows the help page if it is asked for; else it calls do.
func (k *command) helpOr(ctx context.Context, c *invocation, f *flagSet, do func() error) {
	if c.help || c.root().help {
		c.page(func(columns int) string { return k.page(f, columns) })
		return
	}
	c.exit(ctx, f, do())
}

// helpFlag is -h, in every command. It implements urfave.Flag: one of the library's own would
// make the library print its page in place of ours.
type helpFlag struct{ call *invocation }

func (h helpFlag) String() string           { return "-h" }
func (h helpFlag) Get() any                 { return nil }
func (h helpFlag) PreParse() error          { return nil }
func (h helpFlag) PostParse() error         { return nil }
func (h helpFlag) Names() []string          { return []string{"h", "help"} }
func (h helpFlag) IsSet() bool              { return h.call.help }
func (h helpFlag) IsLocal() bool            { return true }
func (h helpFlag) IsBoolFlag() bool         { return true }
func (h helpFlag) Set(_, text string) error { h.call.help = text == "true"; return nil }
