package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

// Program is a program that people call: all commands, or one of them by itself.
type Program struct {
	name   string
	source string // what go run takes to build it
	alone  *command
	push   Pusher // does the command push; nil if another program does
}

var (
	// Medusa has all commands.
	Medusa = Program{name: "medusa", source: "./cmd/medusa"}
	// Train is Medusa's command train.
	Train = Program{name: "train", source: "./cmd/train", alone: &training}
)

// Streams are what a program reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	Live     bool // Out is a terminal, on which a line may be written again
}

// Main is the program in a process of its own. It returns the exit code.
func (p Program) Main() int {
	ctx, stop := interruptible()
	defer stop()
	live := term.IsTerminal(int(os.Stdout.Fd())) && os.Getenv("TERM") != "dumb" // as editors' shells are, which return no carriage
	return p.Run(ctx, os.Args, Streams{os.Stdin, os.Stdout, os.Stderr, live})
}

// interruptible is a context that the first Ctrl-C ends, so that what can be saved is; the
// second one ends the process at once.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		if _, ok := <-signals; !ok {
			return
		}
		fmt.Fprintln(os.Stderr, "\nstopping; once more to stop at once")
		cancel()
		if _, ok := <-signals; ok {
			os.Exit(exitInterrupted)
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		cancel()
	}
}

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitLeftOut     = 3   // done, but for pictures that could not be read
	exitDifferent   = 4   // found out, and the answer is no
	exitInterrupted = 130 // as shells have it for Ctrl-C
)

// Run is the program called with args, the first of which is what it was called by. It returns
// the exit code, and starts and ends nothing of the process around it.
func (p Program) Run(ctx context.Context, args []string, s Streams) int {
	if len(args) == 0 {
		args = []string{p.name}
	}
	c := &invocation{Streams: s, program: p, name: p.name, typed: p.calledAs(args[0]), args: args[1:]}
	root := p.tree(c)
	if err := root.Run(ctx, args); err != nil { // what no command answers for
		c.say(err.Error())
		return exitUsage
	}
	return c.code
}
