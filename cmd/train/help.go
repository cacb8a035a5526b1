package main

import (
	"fmt"
	"io"

	"medusa/internal/terminal"
	"medusa/losses"
	"medusa/miners"
	"medusa/pairs"
)

// widestHelp is how many columns the help takes where there are more.
const widestHelp = 92

func printHelp(out io.Writer, f *flags) {
	columns := min(terminal.New(out, false).Width(), widestHelp)
	fmt.Fprintln(out, terminal.Wrap(`train learns a network that puts pictures of the same thing close together, also for classes that it never saw, and proves it on such classes.

  go run ./cmd/train                       the embedded part of Omniglot,
                                           `+howLong+`
  go run ./cmd/train -data photos          one folder of pictures a class
  go run ./cmd/train -config run.yaml -lr 0.0003
  go run ./cmd/train -resume runs/NAME     go on after Ctrl-C or a crash

Defaults stand in brackets. Flags on the command line win over the configuration file.`, columns))
	f.help(out, columns)
	fmt.Fprintf(out, "\nLosses\n%s\n", losses.Help(columns))
	fmt.Fprintf(out, "\nMiners, as a loss's miner\n%s\n", miners.Help(columns))
	fmt.Fprintf(out, "\nDistances, as a loss's distance\n%s\n", pairs.MetricHelp(columns))
	fmt.Fprintf(out, "\nReducers, as a loss's reducer\n%s\n", pairs.ReducerHelp(columns))
	fmt.Fprintf(out, "\nRegularizers, as a classifier's regularizer\n%s\n", losses.RegularizerHelp(columns))
}

// howLong is how long the embedded set takes, as README says it too.
const howLong = "half a minute once compiled"
