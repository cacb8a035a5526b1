package trainer

import (
	"fmt"
	"strings"

	"medusa/datasets"
	"medusa/internal/wording"
	"medusa/metrics"
)

// Figure is one measure before and after training.
type Figure struct {
	Name          string // as in result.json, such as recall_at_1
	Title         string // as people write it, such as Recall@1
	Before, After float64
}

// Figures pairs the measures before and after training, in the order of metrics; none if
// nothing was measured. Precision at 1 is left out, since it equals Recall@1.
func (r Result) Figures() []Figure {
	if r.Before == nil || r.After == nil {
		return nil
	}
	before := map[string]float64{}
	for _, v := range r.Before.Values() {
		before[v.Name] = v.Value
	}
	var out []Figure
	for _, v := range r.After.Values() {
		if b, ok := before[v.Name]; ok && v.Name != "precision_at_1" {
			out = append(out, Figure{Name: v.Name, Title: wording.Measure(v.Name), Before: b, After: v.Value})
		}
	}
	return out
}

// Ceiling says which measures training could not raise, since they were at their largest
// value before it. It is empty if Recall@1, which people look at first, is not among them.
func (r Result) Ceiling() string {
	first := false
	var full []string
	for _, f := range r.Figures() {
		if f.Before >= ceiling {
			full = append(full, f.Title)
			first = first || f.Name == "recall_at_1"
		}
	}
	if !first {
		return ""
	}
	return strings.Join(full, ", ") + ": nothing to gain, all right before training; look at the other measures, or measure on more and harder classes"
}

// Memory says what the run took, of the device too if that has its own.
func (r Result) Memory() string {
	m := wording.MiB(r.PeakRSS) + " at the most"
	if r.PeakRSS == 0 {
		m = "memory unknown on this system"
	}
	if r.DeviceMemory > 0 {
		m += fmt.Sprintf(", %s on %s", wording.MiB(r.DeviceMemory), r.Device)
	}
	return m
}

// protocol says in a sentence what was measured on what.
func (d Data) protocol(on string, after *metrics.Result) string {
	set, what := d.Test, "test classes, none of which was seen in training"
	if on == SetValidation {
		set, what = d.Val, "validation classes, not learned from but used to choose the weights"
	}
	switch shared := datasets.SharedClasses(d.Train, set); {
	case len(shared) == 0:
	case len(shared) == set.NumClasses():
		what = on + " classes, all seen in training: not a figure for unseen classes"
	default:
		what = fmt.Sprintf("%s classes, of which %d were also learned: not a figure for unseen classes", on, len(shared))
	}
	text := fmt.Sprintf("%s pictures of %s %s; each is a query among all others",
		wording.Thousands(set.Len()), wording.Thousands(set.NumClasses()), what)
	if s := set.Summary(); s.Queries > 0 {
		text = fmt.Sprintf("%s queries among %s pictures of the gallery, of %s %s",
			wording.Thousands(s.Queries), wording.Thousands(s.Gallery), wording.Thousands(set.NumClasses()), what)
	}
	if after.LeftOut > 0 {
		text += fmt.Sprintf("; %d have no match and were left out as queries", after.LeftOut)
	}
	return text
}
