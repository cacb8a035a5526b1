package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"medusa/metrics"
	"medusa/trainer"
)

// figure is one line of the table of results.
type figure struct {
	name          string
	before, after float64
}

// figures pairs the measures before and after training, in the order of metrics.
func figures(r trainer.Result) []figure {
	if r.Before == nil || r.After == nil {
		return nil
	}
	before := map[string]float64{}
	for _, v := range r.Before.Values() {
		before[v.Name] = v.Value
	}
	var out []figure
	for _, v := range r.After.Values() {
		if b, ok := before[v.Name]; ok && v.Name != "precision_at_1" { // equals Recall@1
			out = append(out, figure{title(v.Name), b, v.Value})
		}
	}
	return out
}

var titles = map[string]string{
	"r_precision": "R-precision", "map_at_r": "MAP@R", "map": "MAP", "mrr": "MRR",
	"nmi": "NMI", "ami": "AMI", "ari": "ARI", "pairwise_f1": "pairwise F1",
}

// title is a measure's name as people write it.
func title(name string) string {
	if k, ok := strings.CutPrefix(name, "recall_at_"); ok {
		return "Recall@" + k
	}
	if t, ok := titles[name]; ok {
		return t
	}
	return name
}

// printOutcome shows the measures before and after training, and where everything is.
func printOutcome(w io.Writer, data trainer.Data, r trainer.Result, report, embeddings string) {
	if r.Stop == trainer.StopInterrupted {
		fmt.Fprintf(w, "\nstopped after step %d; go on with\n  go run ./cmd/train -resume %s\n", r.Steps, r.Dir)
		return
	}
	if rows := figures(r); len(rows) > 0 {
		fmt.Fprintf(w, "\n%s\n\n", protocol(data, r))
		t := newTable(w, "", "before", "after", "gain")
		for _, f := range rows {
			t.AppendRow(table.Row{f.name, fmt.Sprintf("%.3f", f.before), fmt.Sprintf("%.3f", f.after), fmt.Sprintf("%+.3f", f.after-f.before)})
		}
		numbersRight(t, 2, 3, 4)
		t.Render()
		if note := ceilingNote(rows); note != "" {
			fmt.Fprintf(w, "\n%s\n", note)
		}
	}
	fmt.Fprintf(w, "\n%d steps in %.1f s, %.0f images/s, %.1f%% of it waiting for pictures, %s\n",
		r.Steps, r.Seconds, r.ImagesPerSecond, 100*r.WaitShare, memory(r))
	if r.Stop == trainer.StopPatience {
		fmt.Fprintf(w, "stopped early: %s got no better at the last evaluations (%.3f at step %d)\n", title(r.Metric), r.BestValue, r.BestStep)
	}
	of := fmt.Sprintf("of step %d", r.ModelStep)
	if r.ModelStep == 0 {
		of += ": the untrained network"
	}
	fmt.Fprintf(w, "\nmodel       %s (%s)\n", r.Model, of)
	if report != "" {
		fmt.Fprintf(w, "report      %s\n", report)
	}
	if embeddings != "" {
		fmt.Fprintf(w, "embeddings  %s\n", embeddings)
	}
	fmt.Fprintf(w, "results     %s\n", filepath.Join(r.Dir, "result.json"))
}

// ceilingNote names the measures that training could not raise, if the first of all, Recall@1,
// is among them.
func ceilingNote(rows []figure) string {
	var full []string
	for _, f := range rows {
		if f.before >= 1 {
			full = append(full, f.name)
		}
	}
	if !slices.Contains(full, title("recall_at_1")) {
		return ""
	}
	return strings.Join(full, ", ") + ": nothing to gain, all right before training; look at the other measures, or measure on more and harder classes"
}

// protocol says in a sentence what was measured on what.
func protocol(data trainer.Data, r trainer.Result) string {
	set, what := data.Test, "test classes, none of which was seen in training"
	if shared := seenInTraining(data); len(shared) > 0 {
		what = fmt.Sprintf("test classes, of which %d were also learned: not a figure for unseen classes", len(shared))
	}
	if r.On == trainer.SetValidation {
		set, what = data.Val, "validation classes, not learned from but used to choose the weights"
	}
	return fmt.Sprintf("%s pictures of %s %s; each is a query among all others%s",
		thousands(set.Len()), thousands(set.NumClasses()), what, leftOut(r.After))
}

func leftOut(r *metrics.Result) string {
	if r == nil || r.LeftOut == 0 {
		return ""
	}
	return fmt.Sprintf("; %d have no match and were left out as queries", r.LeftOut)
}

// memory is what a run took, of the device too if that has its own.
func memory(r trainer.Result) string {
	m := fmt.Sprintf("%.0f MiB at the most", float64(r.PeakRSS)/(1<<20))
	if r.DeviceMemory > 0 {
		m += fmt.Sprintf(", %.0f MiB on %s", float64(r.DeviceMemory)/(1<<20), r.Device)
	}
	return m
}
