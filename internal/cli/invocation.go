package cli

import (
	"context"
	"io"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/terminal"
)

// invocation is one call of a program, or of a command of it: what it was called by, and where it
// reads and writes.
type invocation struct {
	Streams
	program Program
	name    string      // as messages call it: medusa train
	typed   string      // as it is called again, by go run or by its path
	args    []string    // of the program; nil for a command
	help    bool        // -h was given
	code    int         // with which the program ends
	parent  *invocation // of the program; nil for the program itself
}

// of is the call of one of the program's commands.
func (c *invocation) of(name string) *invocation {
	return &invocation{Streams: c.Streams, program: c.program, name: c.name + " " + name, typed: c.typed + " " + name, parent: c}
}

// toType is a line that a person can type to call the same command with other arguments.
func (c *invocation) toType(args ...string) string {
	words := []string{c.typed}
	for _, a := range args {
		words = append(words, shellWord(a))
	}
	return strings.Join(words, " ")
}

// root is the call of the program.
func (c *invocation) root() *invocation {
	if c.parent == nil {
		return c
	}
	return c.parent.root()
}

// screen is where a person reads what is written to out. Lines that call the program again stay
// whole on it.
func (c *invocation) screen(out io.Writer, live bool) *terminal.Screen {
	s := terminal.New(out, live)
	beginning := c.root().typed + " "
	if c.program.alone != nil {
		beginning += "-" // "train longer" is no command
	}
	s.Commands = append(s.Commands, beginning)
	return s
}

// say writes a message in the name of the program and its command.
func (c *invocation) say(message string) {
	c.screen(c.Err, false).Say(c.name + ": " + message)
}

// exit takes note of how a command ended, and tells its error in the words of its flags.
func (c *invocation) exit(ctx context.Context, f *flagSet, err error) {
	c.root().code = exitCode(ctx, err)
	if other := (otherProgram{}); errors.As(err, &other) {
		c.root().code = other.code
		return
	}
	if err == nil || errors.Is(err, errStopped) || errors.Is(err, errLeftOut) || errors.Is(err, errDifferent) {
		return
	}
	message := f.message(err)
	if c.root().code == exitInterrupted && !tellsWhatIsLeft(message) {
		c.say("stopped") // where in the work it was, tells a person nothing
		return
	}
	if f.ways != nil {
		message += f.ways(err)
	}
	c.say(message)
}

// tellsWhatIsLeft reports whether the message of a command that was stopped says what it was doing, or how far it came.
func tellsWhatIsLeft(message string) bool {
	return strings.Contains(message, "stopped while ") || strings.Contains(message, "stopped with ")
}

// errStopped says that a command was stopped, and has said so.
var errStopped = errors.New("stopped")

// usageError says that the command line is wrong, and nothing was begun.
type usageError struct{ error }

// Unwrap is what is wrong.
func (e usageError) Unwrap() error { return e.error }

func exitCode(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errStopped), ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return exitInterrupted
	case errors.As(err, new(usageError)):
		return exitUsage
	case errors.Is(err, errLeftOut):
		return exitLeftOut
	case errors.Is(err, errDifferent):
		return exitDifferent
	}
	return exitFailed
}
