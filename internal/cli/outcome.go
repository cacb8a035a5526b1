package cli

import (
	"cmp"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"medusa/internal/terminal"
	"medusa/internal/wording"
	"medusa/trainer"
)

// printOutcome shows the measures before and after training, and where everything is. again is
// what to type to go on with a run that was stopped.
func printOutcome(w *terminal.Screen, r trainer.Result, again string) {
	switch {
	case r.Stop != trainer.StopInterrupted:
	case r.Model != "":
		w.Sayf("\nstopped before the run was finished, the model is %s; the rest comes with\n  %s", r.Model, again)
		return
	default:
		w.Sayf("\nstopped after step %d; go on with\n  %s", r.Steps, again)
		return
	}
	if rows := r.Figures(); len(rows) > 0 {
		w.Sayf("\n%s\n", r.Protocol)
		w.Table(figuresTable(rows, r.Pixels != nil, r.Items))
		if r.Pixels != nil {
			raw := rawValues(r.Items)
			w.Sayf("%s: the %s themselves, compared by cosine: what is to be beaten", raw, cmp.Or(r.Items, "pictures"))
		}
		if message, advice := r.Worse(asFlag); message != "" {
			w.Sayf("\n%s:\n  %s", message, advice)
		}
		if note := r.Ceiling(); note != "" {
			w.Say("\n" + note)
		}
	}
	for _, t := range []trainer.Table{trainer.FewShotTable(r.FewShot, r.Items), r.Thresholds(), r.PairTable()} {
		if len(t.Rows) > 0 {
			w.Say("")
			printTable(w, t)
		}
	}
	w.Say("\n" + timeTaken(r))
	if r.Stop == trainer.StopPatience {
		w.Sayf("stopped early: %s got no better at the last evaluations (%.3f at step %d)", wording.Measure(r.Metric), r.BestValue, r.BestStep)
	}
	of := fmt.Sprintf("of step %d", r.ModelStep)
	if r.ModelStep == 0 {
		of += ": the untrained network"
	}
	w.Sayf("\nmodel       %s (%s)", r.Model, of)
	if r.Report != "" {
		w.Say("report      " + r.Report)
	}
	if r.Embeddings != "" {
		w.Say("embeddings  " + r.Embeddings)
	}
	w.Say("results     " + filepath.Join(r.Dir, trainer.ResultFile))
}

// printTable shows a table and its notes.
func printTable(w *terminal.Screen, t trainer.Table) {
	w.Table(terminal.Table{Header: t.Head, Rows: t.Rows, Right: []int{1, 2, 3, 4, 5, 6}})
	for _, note := range t.Notes {
		w.Say(note)
	}
}

// timeTaken is what the run took. The speed is that of the steps alone: the rest of the time
// went into measuring and writing.
func timeTaken(r trainer.Result) string {
	line := fmt.Sprintf("%s in %.1f s, ", wording.Number(r.Steps, "steps"), r.Seconds)
	if r.TrainSeconds > 0 {
		line += fmt.Sprintf("of it %.1f s ", r.TrainSeconds)
	}
	line += "training"
	if r.ImagesPerSecond > 0 {
		line += fmt.Sprintf(" at %s %s, %.1f%% of that waiting for %s", wording.Thousands(int(math.Round(r.ImagesPerSecond))),
			wording.PerSecond(r.Items), 100*r.WaitShare, cmp.Or(r.Items, "pictures"))
	}
	return line + ", " + r.Memory()
}

// rawValues is what items are before any network: the pixels of pictures, vectors themselves.
func rawValues(items string) string {
	if items == "" || items == "pictures" {
		return "pixels"
	}
	return items
}

// figuresTable has a line for each measure; pixels says whether raw pixels were measured.
func figuresTable(rows []trainer.Figure, pixels bool, items string) terminal.Table {
	t := terminal.Table{Header: []string{"", "before", "after", "gain"}, Right: []int{1, 2, 3, 4}}
	if pixels {
		t.Header = slices.Insert(t.Header, 1, rawValues(items))
	}
	for _, f := range rows {
		row := []string{f.Title, fmt.Sprintf("%.3f", f.Before), fmt.Sprintf("%.3f", f.After), fmt.Sprintf("%+.3f", f.After-f.Before)}
		switch {
		case pixels && math.IsNaN(f.Pixels):
			row = slices.Insert(row, 1, "")
		case pixels:
			row = slices.Insert(row, 1, fmt.Sprintf("%.3f", f.Pixels))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
