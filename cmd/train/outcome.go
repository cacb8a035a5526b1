package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/jedib0t/go-pretty/v6/table"

	"medusa/internal/wording"
	"medusa/trainer"
)

// printOutcome shows the measures before and after training, and where everything is.
func printOutcome(w io.Writer, r trainer.Result) {
	switch {
	case r.Stop != trainer.StopInterrupted:
	case r.Model != "":
		fmt.Fprintf(w, "\nstopped before the run was finished, the model is %s; the rest comes with\n  go run ./cmd/train -resume %s\n", r.Model, r.Dir)
		return
	default:
		fmt.Fprintf(w, "\nstopped after step %d; go on with\n  go run ./cmd/train -resume %s\n", r.Steps, r.Dir)
		return
	}
	if rows := r.Figures(); len(rows) > 0 {
		fmt.Fprintf(w, "\n%s\n\n", r.Protocol)
		t := newTable(w, "", "before", "after", "gain")
		for _, f := range rows {
			t.AppendRow(table.Row{f.Title, fmt.Sprintf("%.3f", f.Before), fmt.Sprintf("%.3f", f.After), fmt.Sprintf("%+.3f", f.After-f.Before)})
		}
		numbersRight(t, 2, 3, 4)
		t.Render()
	}
	fmt.Fprintf(w, "\n%d steps in %.1f s, %.0f images/s, %.1f%% of it waiting for pictures, %s\n",
		r.Steps, r.Seconds, r.ImagesPerSecond, 100*r.WaitShare, r.Memory())
	if r.Stop == trainer.StopPatience {
		fmt.Fprintf(w, "stopped early: no better %s since step %d\n", wording.Measure(r.Metric), r.BestStep)
	}
	fmt.Fprintf(w, "\nmodel       %s (of step %d)\n", r.Model, r.ModelStep)
	if r.Report != "" {
		fmt.Fprintf(w, "report      %s\n", r.Report)
	}
	if r.Embeddings != "" {
		fmt.Fprintf(w, "embeddings  %s\n", r.Embeddings)
	}
	fmt.Fprintf(w, "results     %s\n", filepath.Join(r.Dir, trainer.ResultFile))
}
