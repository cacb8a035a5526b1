package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"medusa/internal/terminal"
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
func printOutcome(w *terminal.Screen, data trainer.Data, r trainer.Result, report, embeddings string) {
	if r.Stop == trainer.StopInterrupted {
		w.Sayf("\nstopped after step %d; go on with\n  %s", r.Steps, command("-resume", r.Dir))
		return
	}
	if rows := figures(r); len(rows) > 0 {
		w.Sayf("\n%s\n", protocol(data, r))
		t := terminal.Table{Header: []string{"", "before", "after", "gain"}, Right: []int{1, 2, 3}}
		for _, f := range rows {
			t.Rows = append(t.Rows, []string{f.name, fmt.Sprintf("%.3f", f.before), fmt.Sprintf("%.3f", f.after), fmt.Sprintf("%+.3f", f.after-f.before)})
		}
		w.Table(t)
	}
	w.Sayf("\n%d steps in %.1f s, %.0f images/s, %.1f%% of it waiting for pictures, %s",
		r.Steps, r.Seconds, r.ImagesPerSecond, 100*r.WaitShare, memory(r))
	if r.Stop == trainer.StopPatience {
		w.Sayf("stopped early: no better %s since step %d", title(r.Metric), r.BestStep)
	}
	w.Sayf("\nmodel       %s (of step %d)", r.Model, r.ModelStep)
	if report != "" {
		w.Say("report      " + report)
	}
	if embeddings != "" {
		w.Say("embeddings  " + embeddings)
	}
	w.Say("results     " + filepath.Join(r.Dir, "result.json"))
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
