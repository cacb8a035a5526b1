package trainer

import (
	"cmp"
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

// Worse says that the model retrieves worse than the raw pictures or than the untrained
// network, by Recall@1 or MAP@R, and what to do; both are empty if it does not. Differences
// that three digits do not show do not count.
func (r Result) Worse(names Naming) (message, advice string) {
	var raw, untrained []string
	for _, f := range r.Figures() {
		if f.Name != "recall_at_1" && f.Name != mapAtR {
			continue
		}
		if threeDigits(f.After) < threeDigits(f.Pixels) {
			raw = append(raw, fmt.Sprintf("%s %.3f in place of %.3f", f.Title, f.After, f.Pixels))
		}
		if threeDigits(f.After) < threeDigits(f.Before) {
			untrained = append(untrained, fmt.Sprintf("%s %.3f in place of %.3f", f.Title, f.After, f.Before))
		}
	}
	items := cmp.Or(r.Items, "pictures")
	var worse []string
	if len(raw) > 0 {
		worse = append(worse, "than comparing the raw "+items+" ("+strings.Join(raw, ", ")+")")
	}
	if len(untrained) > 0 {
		worse = append(worse, "than the untrained network ("+strings.Join(untrained, ", ")+")")
	}
	if len(worse) == 0 {
		return "", ""
	}
	return "the model is worse " + strings.Join(worse, " and "),
		fmt.Sprintf("train longer (%s), lower the learning rate (%s), learn more classes, and look whether labels belong to their %s",
			names.of("Steps", ""), names.of("Solver.LR", ""), items)
}

// threeDigits is a figure as tables show it.
func threeDigits(v float64) float64 { return math.Round(1000*v) / 1000 }

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

// protocol says in a sentence what was measured on what; views are those of Config.EvalViews.
func (d runData) protocol(on, views string, after *metrics.Result) string {
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
	if views != "" {
		text += "; each embedding is of the views " + views
	}
	if after.AllQueries > 0 {
		text += fmt.Sprintf("; %s of %s queries were drawn at random and searched for", wording.Thousands(after.Queries), wording.Thousands(after.AllQueries))
	}
	if after.AllClasses > 0 {
		text += fmt.Sprintf("; clusters are of %s %s of %s classes drawn at random", wording.Thousands(after.ClusteredRows), set.noun(), wording.Thousands(after.Clusters))
	}
	if n := set.Summary().Copies; n > 0 {
		stand := "stand"
		if n == 1 {
			stand = "stands"
		}
		text += fmt.Sprintf("; %s of the %s also %s in train", wording.Thousands(n), set.noun(), stand)
	}
	switch n := after.LeftOut; {
	case n == 1:
		text += "; 1 has no match and was left out as a query"
	case n > 1:
		text += fmt.Sprintf("; %s have no match and were left out as queries", wording.Thousands(n))
	}
	if after.ReID != nil && after.ReID.Queries > 0 {
		apart := "camera"
		if set.Cameras().Of == nil {
			apart = "sequence"
		}
		text += fmt.Sprintf("; CMC and mAP re-id without %s of a query's own class and %s, over %s queries", set.noun(), apart, wording.Thousands(after.ReID.Queries))
	}
	if share := float64(after.Tied) / float64(after.Queries); share >= tiesToTell {
		text += fmt.Sprintf("; for %.0f%% of the queries %s of their class are exactly as far as others: their figures are the mean over all orders", 100*share, set.noun())
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
