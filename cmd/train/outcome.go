package main

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"medusa/internal/wording"
	"medusa/trainer"
)

// printOutcome shows the measures before and after training, and where everything is.
func printOutcome(w io.Writer, r trainer.Result) {
	switch {
	case r.Stop != trainer.StopInterrupted:
	case r.Model != "":
		fmt.Fprintf(w, "\nstopped before the run was finished, the model is %s; the rest comes with\n  go run ./cmd/train -resume %s\n", r.Model, wording.Shell(r.Dir))
		return
	default:
		fmt.Fprintf(w, "\nstopped after step %d; go on with\n  go run ./cmd/train -resume %s\n", r.Steps, wording.Shell(r.Dir))
		return
	}
	if rows := r.Figures(); len(rows) > 0 {
		fmt.Fprintf(w, "\n%s\n\n", r.Protocol)
		printFigures(w, rows, r.Pixels != nil)
		if note := r.Ceiling(); note != "" {
			fmt.Fprintf(w, "\n%s\n", note)
		}
	}
	if t := r.Thresholds(); len(t.Rows) > 0 {
		fmt.Fprintln(w)
		printThresholds(w, t)
	}
	fmt.Fprintf(w, "\n%d steps in %.1f s, %.0f images/s, %.1f%% of it waiting for pictures, %s\n",
		r.Steps, r.Seconds, r.ImagesPerSecond, 100*r.WaitShare, r.Memory())
	if r.Stop == trainer.StopPatience {
		fmt.Fprintf(w, "stopped early: %s got no better at the last evaluations (%.3f at step %d)\n", wording.Measure(r.Metric), r.BestValue, r.BestStep)
	}
	of := fmt.Sprintf("of step %d", r.ModelStep)
	if r.ModelStep == 0 {
		of += ": the untrained network"
	}
	fmt.Fprintf(w, "\nmodel       %s (%s)\n", r.Model, of)
	if r.Report != "" {
		fmt.Fprintf(w, "report      %s\n", r.Report)
	}
	if r.Embeddings != "" {
		fmt.Fprintf(w, "embeddings  %s\n", r.Embeddings)
	}
	fmt.Fprintf(w, "results     %s\n", filepath.Join(r.Dir, trainer.ResultFile))
}

// printFigures shows a line for each measure; pixels says whether raw pixels were measured.
func printFigures(w io.Writer, rows []trainer.Figure, pixels bool) {
	head := []any{"", "before", "after", "gain"}
	if pixels {
		head = slices.Insert(head, 1, any("pixels"))
	}
	t := newTable(w, head...)
	for _, f := range rows {
		row := table.Row{f.Title, fmt.Sprintf("%.3f", f.Before), fmt.Sprintf("%.3f", f.After), fmt.Sprintf("%+.3f", f.After-f.Before)}
		switch {
		case pixels && math.IsNaN(f.Pixels):
			row = slices.Insert(row, 1, any(""))
		case pixels:
			row = slices.Insert(row, 1, any(fmt.Sprintf("%.3f", f.Pixels)))
		}
		t.AppendRow(row)
	}
	numbersRight(t, 2, 3, 4, 5)
	t.Render()
}

func printThresholds(w io.Writer, shown trainer.Table) {
	cells := func(texts []string) []any {
		row := make([]any, len(texts))
		for k, s := range texts {
			row[k] = s
		}
		return row
	}
	t := newTable(w, cells(shown.Head)...)
	for _, row := range shown.Rows {
		t.AppendRow(cells(row))
	}
	numbersRight(t, 2, 3, 4, 5, 6, 7)
	t.Render()
	for _, note := range shown.Notes {
		for line := range strings.SplitSeq(text.WrapSoft(note, min(columns(w), 100)), "\n") {
			fmt.Fprintln(w, strings.TrimRight(line, " "))
		}
	}
}
