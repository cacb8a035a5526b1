package trainer

import (
	"fmt"
	"math"

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

// Memory says what the run took, of the device too if that has its own.
func (r Result) Memory() string {
	m := wording.MiB(r.PeakRSS) + " at the most"
	if r.DeviceMemory > 0 {
		m += fmt.Sprintf(", %s on %s", wording.MiB(r.DeviceMemory), r.Device)
	}
	return m
}

// protocol says in a sentence what was measured on what.
func (d Data) protocol(on string, after *metrics.Result) string {
	set, what := d.Test, "test classes, none of which was seen in training"
	if shared := d.SeenInTraining(); len(shared) > 0 {
		what = fmt.Sprintf("test classes, of which %d were also learned: not a figure for unseen classes", len(shared))
	}
	if on == SetValidation {
		set, what = d.Val, "validation classes, not learned from but used to choose the weights"
	}
	text := fmt.Sprintf("%s pictures of %s %s; each is a query among all others",
		wording.Thousands(set.Len()), wording.Thousands(set.NumClasses()), what)
	if after.LeftOut > 0 {
		text += fmt.Sprintf("; %d have no match and were left out as queries", after.LeftOut)
	}
	if share := float64(after.Tied) / float64(after.Queries); share >= tiesToTell {
		text += fmt.Sprintf("; for %.0f%% of the queries pictures of their class are exactly as far as others: their figures are the mean over all orders", 100*share)
	}
	return text
}

// tiesToTell is the share of queries from which on ties are worth a word.
const tiesToTell = 0.01

// measuredOn says in a few words what the figures are of.
func (d Data) measuredOn(on string) string {
	if on == SetValidation {
		return wording.Thousands(d.Val.NumClasses()) + " validation classes"
	}
	classes := wording.Thousands(d.Test.NumClasses())
	switch learned := len(d.SeenInTraining()); learned {
	case 0:
		return classes + " unseen classes"
	case d.Test.NumClasses():
		return classes + " test classes, all of them learned too"
	default:
		return fmt.Sprintf("%s test classes, %s of them learned too", classes, wording.Thousands(learned))
	}
}
