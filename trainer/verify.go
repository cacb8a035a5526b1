package trainer

import (
	"context"
	"fmt"
	"strconv"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/wording"
	"medusa/metrics"
)

// Verify measures thresholds on the distance of two embeddings among d's pictures, with
// the weights as they are; at are further thresholds to measure.
func (t *Trainer) Verify(ctx context.Context, d datasets.Set, at ...float64) (metrics.Verification, error) {
	if err := t.use.Begin(theTrainer); err != nil {
		return metrics.Verification{}, err
	}
	defer t.use.End()
	set, err := toEmbed(d)
	if err != nil {
		return metrics.Verification{}, err
	}
	x, err := t.embed(ctx, set, "embedding "+set.noun())
	if err != nil {
		return metrics.Verification{}, err
	}
	return t.verify(ctx, set, x, at)
}

func (t *Trainer) verify(ctx context.Context, d *items, x []float32, at []float64) (metrics.Verification, error) {
	ofClass := make([]int, 0, d.Len()) // of two pictures of no class nobody knows whether they are the same
	for i, l := range d.Labels() {
		if l != datasets.NoClass {
			ofClass = append(ofClass, i)
		}
	}
	t.progress(ctx, "measuring thresholds", 0, 0)
	s := subset(d, x, t.step.size, ofClass)
	s.Cameras = nil // two pictures of one camera are a pair like any other
	v, err := metrics.Verify(ctx, s, metrics.VerifyOptions{At: at, Seed: t.cfg.Seed})
	return v, errors.Wrap(err, "trainer: thresholds")
}

// verifyModel measures the thresholds of the model on the validation classes, and on the
// test classes, whose embeddings are x, its own and those of the validation classes.
func (t *Trainer) verifyModel(ctx context.Context, r *Result, on string, x []float32) error {
	r.Verification = map[string]metrics.Verification{}
	var chosen []float64
	if d := t.data.Val; d != nil && hasPairs(d) {
		embeddings := x
		if on != SetValidation {
			var err error
			if embeddings, err = t.embed(ctx, d, "embedding pictures"); err != nil {
				return err
			}
		}
		v, err := t.verify(ctx, d, embeddings, nil)
		if err != nil {
			return err
		}
		r.Verification[SetValidation] = v
		for _, p := range v.AtFAR {
			chosen = append(chosen, p.Threshold)
		}
		chosen = append(chosen, v.EERThreshold)
	}
	if d := t.data.Test; d != nil && hasPairs(d) {
		v, err := t.verify(ctx, d, x, chosen)
		if err != nil {
			return err
		}
		r.Verification[SetTest] = v
	}
	return nil
}

// hasPairs reports whether d has a pair of one class and one of two.
func hasPairs(d *items) bool {
	members := make(map[int]int)
	same := false
	for _, l := range d.Labels() {
		if l != datasets.NoClass {
			members[l]++
			same = same || members[l] > 1
		}
	}
	return same && len(members) > 1
}

// Table is texts to show: rows under heads, and notes below.
type Table struct {
	Head  []string
	Rows  [][]string
	Notes []string
}

// Thresholds shows Verification: for false accept rates the distance below which a pair
// counts as same, and what that gives; a table without rows where nothing was measured.
func (r Result) Thresholds() Table {
	val, hasVal := r.Verification[SetValidation]
	test, hasTest := r.Verification[SetTest]
	switch {
	case hasVal && hasTest:
		return twoSets(val, test)
	case hasVal:
		return oneSet("validation", val)
	case hasTest:
		return oneSet("test", test)
	}
	return Table{}
}

const noFigure = "—"

// thresholdNote says what the table's letters mean.
const thresholdNote = "A pair of pictures counts as same if its distance is less than d. TAR: share of the pairs of one class that do; FAR: of two classes."

func oneSet(name string, v metrics.Verification) Table {
	t := Table{Head: []string{"FAR at most", "d", "TAR", "FAR"}}
	for _, p := range v.AtFAR {
		t.Rows = append(t.Rows, []string{percent(p.AskedFAR), significant(p.Threshold), decimals(p.TAR), percent(p.FAR)})
	}
	for _, far := range v.TooFine {
		t.Rows = append(t.Rows, []string{percent(far), noFigure, noFigure, noFigure})
	}
	t.Rows = append(t.Rows, []string{"equal error", significant(v.EERThreshold), decimals(1 - v.EER), percent(v.EER)})
	t.Notes = append(t.Notes, thresholdNote, errorRates(name, v), pairs(name, v))
	return t.withReasons(v)
}

// twoSets shows the thresholds of the validation classes, those of the test classes, and
// what the former give on the latter.
func twoSets(val, test metrics.Verification) Table {
	t := Table{Head: []string{"FAR at most", "validation d", "TAR", "test d", "TAR", "TAR*", "FAR*"}}
	fill := func(name string, val, test, given []string) {
		t.Rows = append(t.Rows, append(append(append([]string{name}, val...), test...), given...))
	}
	none := []string{noFigure, noFigure}
	for _, far := range append(askedRates(test), test.TooFine...) {
		own, chosen, given := none, none, none
		for k, p := range val.AtFAR {
			if p.AskedFAR == far {
				g := test.At[k]
				chosen, given = []string{significant(p.Threshold), decimals(p.TAR)}, []string{decimals(g.TAR), percent(g.FAR)}
			}
		}
		for _, p := range test.AtFAR {
			if p.AskedFAR == far {
				own = []string{significant(p.Threshold), decimals(p.TAR)}
			}
		}
		fill(percent(far), chosen, own, given)
	}
	g := test.At[len(test.At)-1]
	fill("equal error", []string{significant(val.EERThreshold), decimals(1 - val.EER)}, []string{significant(test.EERThreshold), decimals(1 - test.EER)},
		[]string{decimals(g.TAR), percent(g.FAR)})
	t.Notes = append(t.Notes, thresholdNote+" * on the test classes at the d of the validation classes.",
		errorRates("validation", val)+"; "+errorRates("test", test), pairs("validation", val)+"; "+pairs("test", test))
	return t.withReasons(val, test)
}

func askedRates(v metrics.Verification) []float64 {
	var out []float64
	for _, p := range v.AtFAR {
		out = append(out, p.AskedFAR)
	}
	return out
}

// withReasons says why figures are missing.
func (t Table) withReasons(all ...metrics.Verification) Table {
	for _, v := range all {
		if len(v.TooFine) > 0 {
			t.Notes = append(t.Notes, noFigure+": a rate is told only where it would rest on ten pairs of two classes or more.")
			break
		}
	}
	return t
}

func errorRates(name string, v metrics.Verification) string {
	return fmt.Sprintf("%s: equal error rate %s, area under the ROC %s", name, percent(v.EER), decimals(v.AUC))
}

func pairs(name string, v metrics.Verification) string {
	text := fmt.Sprintf("%s: %s pairs of one class, %s of two, of %s classes", name,
		wording.Thousands(int(v.Genuine)), wording.Thousands(int(v.Impostor)), wording.Thousands(v.Classes))
	if v.Sampled() {
		text += fmt.Sprintf(", drawn from %s and %s", wording.Thousands(int(v.AllGenuine)), wording.Thousands(int(v.AllImpostor)))
	}
	return text
}

func decimals(v float64) string { return strconv.FormatFloat(v, 'f', 3, 64) }

// percent writes a share with up to three significant digits.
func percent(v float64) string { return rounded(100*v, 3) + " %" }

// significant writes a distance with up to four significant digits.
func significant(v float64) string { return rounded(v, 4) }

func rounded(v float64, digits int) string {
	s := strconv.FormatFloat(v, 'g', digits, 64)
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		s = strconv.FormatFloat(f, 'f', -1, 64)
	}
	return s
}
