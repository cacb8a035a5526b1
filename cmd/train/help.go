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
	for _, part := range []struct{ title, list, page string }{
		{"Losses", "losses", losses.Help(columns)},
		{"Miners, as a loss's miner", "miners", miners.Help(columns)},
		{"Distances, as a loss's distance", "distances", pairs.MetricHelp(columns)},
		{"Reducers, as a loss's reducer", "reducers", pairs.ReducerHelp(columns)},
		{"Regularizers, as a classifier's regularizer", "regularizers", losses.RegularizerHelp(columns)},
	} {
		fmt.Fprintf(out, "\n%s\n%s\n%s lists their parameters\n", part.title, part.page, command("-list", part.list))
	}
}

// howLong is how long the embedded set takes, as README says it too.
const howLong = "half a minute once compiled"
