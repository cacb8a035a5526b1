package trainer

import (
	"fmt"
	"math"
	"strings"

	"medusa/datasets"
	"medusa/internal/wording"
	"medusa/metrics"
)

// Figure is one measure of the raw pixels, before and after training.
type Figure struct {
	Name          string  // as in result.json, such as recall_at_1
	Title         string  // as people write it, such as Recall@1
	Pixels        float64 // NaN if it was not measured
	Before, After float64
}

// Figures pairs the measures before and after training, in the order of metrics; none if
// nothing was measured. Precision at 1 is left out, since it equals Recall@1.
func (r Result) Figures() []Figure {
	if r.Before == nil || r.After == nil {
		return nil
	}
	before, pixels := byName(r.Before), byName(r.Pixels)
	var out []Figure
	for _, v := range r.After.Values() {
		if b, ok := before[v.Name]; ok && v.Name != "precision_at_1" {
			f := Figure{Name: v.Name, Title: wording.Measure(v.Name), Pixels: math.NaN(), Before: b, After: v.Value}
			if p, ok := pixels[v.Name]; ok {
				f.Pixels = p
			}
			out = append(out, f)
		}
	}
	return out
}

func byName(r *metrics.Result) map[string]float64 {
	values := map[string]float64{}
	if r != nil {
		for _, v := range r.Values() {
			values[v.Name] = v.Value
		}
	}
	return values
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
func (d runData) protocol(on string, after *metrics.Result) string {
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
	text := fmt.Sprintf("%s %s of %s %s; each is a query among all others",
		wording.Thousands(set.Len()), set.noun(), wording.Thousands(set.NumClasses()), what)
	if s := set.Summary(); s.Queries > 0 {
		text = fmt.Sprintf("%s queries among %s %s of the gallery, of %s %s",
			wording.Thousands(s.Queries), wording.Thousands(s.Gallery), set.noun(), wording.Thousands(set.NumClasses()), what)
	}
	if after.LeftOut > 0 {
		text += fmt.Sprintf("; %d have no match and were left out as queries", after.LeftOut)
	}
	if after.ReID != nil && after.ReID.Queries > 0 {
		apart := "camera"
		if set.Cameras().Of == nil {
			apart = "sequence"
		}
		text += fmt.Sprintf("; CMC and mAP re-id without pictures of a query's own class and %s, over %s queries", apart, wording.Thousands(after.ReID.Queries))
	}
	if share := float64(after.Tied) / float64(after.Queries); share >= tiesToTell {
		text += fmt.Sprintf("; for %.0f%% of the queries pictures of their class are exactly as far as others: their figures are the mean over all orders", 100*share)
	}
	return text
}

// tiesToTell is the share of queries from which on ties are worth a word.
const tiesToTell = 0.01

// measuredOn says in a few words what the figures are of.
func (d runData) measuredOn(on string) string {
	set := d.Test
	if on == SetValidation {
		set = d.Val
	}
	classes := wording.Thousands(set.NumClasses())
	switch learned := len(datasets.SharedClasses(d.Train, set)); {
	case learned == set.NumClasses():
		return classes + " " + on + " classes, all of them learned too"
	case learned > 0:
		return fmt.Sprintf("%s %s classes, %s of them learned too", classes, on, wording.Thousands(learned))
	case on == SetValidation:
		return classes + " validation classes"
	}
	return classes + " unseen classes"
}
