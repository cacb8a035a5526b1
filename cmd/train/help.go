package main

import (
	"fmt"
	"io"

	"medusa/losses"
)

func printHelp(w io.Writer, f *flags) {
	fmt.Fprint(w, `train learns a network that puts pictures of the same thing close together, also for
classes that it never saw, and proves it on such classes.

  go run ./cmd/train                       the embedded part of Omniglot, about a minute
  go run ./cmd/train -data photos          one folder of pictures a class
  go run ./cmd/train -config run.yaml -lr 0.0003
  go run ./cmd/train -resume runs/NAME     go on after Ctrl-C or a crash

Defaults stand in brackets. Flags on the command line win over the configuration file.
`)
	f.help(w)
	fmt.Fprintf(w, "\nLosses\n%s\n", losses.Help())
}
