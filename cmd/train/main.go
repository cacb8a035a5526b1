// Command train learns an embedding from folders of pictures, one folder a class, and
// measures it on classes that it never saw.
//
//	go run ./cmd/train                 the embedded part of Omniglot, half a minute once compiled
//	go run ./cmd/train -data DIR       your own pictures
//	go run ./cmd/train -h              all flags
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/pkg/errors"
	"golang.org/x/term"

	"medusa/internal/terminal"
)

func main() {
	ctx, stop := interruptible()
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr, term.IsTerminal(int(os.Stdout.Fd())))
	stop()
	os.Exit(code)
}

// interruptible is a context that the first Ctrl-C ends, so that the run is saved; the
// second one ends the process at once.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		if _, ok := <-signals; !ok {
			return
		}
		fmt.Fprintln(os.Stderr, "\nsaving and stopping; once more to stop at once")
		cancel()
		if _, ok := <-signals; ok {
			os.Exit(130)
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
	exitInterrupted = 130 // as shells have it for Ctrl-C
)

// run is main without the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, live bool) int {
	f := newFlags()
	err := f.parse(args)
	if errors.Is(err, flag.ErrHelp) {
		printHelp(stdout, f)
		return exitOK
	}
	if err == nil && f.options.DeviceInfo {
		printDevices(stdout)
		return exitOK
	}
	var asked *list
	if err == nil {
		asked, err = f.askedFor()
	}
	if asked != nil {
		asked.print(stdout)
		return exitOK
	}
	given := f.given() // on the command line
	if err == nil {
		err = f.sound(given)
	}
	if err == nil && (given["evaluate"] || given["one-shot"]) {
		if err = f.soundEvaluation(given); err == nil {
			return evaluation(ctx, f, terminal.New(stdout, live), stderr)
		}
	}
	if err == nil && f.options.ConfigFile != "" {
		err = f.readConfig(ctx, f.options.ConfigFile)
	}
	if err == nil {
		err = f.used(given)
	}
	if err != nil {
		return failed(ctx, f, stderr, err, exitUsage)
	}
	interrupted, err := train(ctx, f, terminal.New(stdout, live))
	if err != nil {
		return failed(ctx, f, stderr, err, exitFailed)
	}
	if interrupted {
		return exitInterrupted
	}
	return exitOK
}

// failed prints an error and is the exit code for it.
func failed(ctx context.Context, f *flags, stderr io.Writer, err error, code int) int {
	terminal.New(stderr, false).Say("train: " + f.told(err) + whereListed(err))
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return exitInterrupted
	}
	return code
}
