package trainer

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/wording"
	"medusa/metrics"
)

// Verify measures thresholds on the distance of two embeddings among d's pictures, with
// the weights as they are; at are further thresholds to measure.
func (t *Trainer) Verify(ctx context.Context, d datasets.Set, at ...float64) (metrics.Verification, error) {
	return withWeights(ctx, t, d, func(set *items) (metrics.Verification, error) {
		x, err := t.embed(ctx, set, "embedding "+set.noun())
		if err != nil {
			return metrics.Verification{}, err
		}
		return t.verify(ctx, set, x, at)
	})
}

func (t *Trainer) verify(ctx context.Context, d *items, x []float32, at []float64) (metrics.Verification, error) {
	ofClass := make([]int, 0, d.Len()) // of two pictures of no class nobody knows whether they are the same
	for i, l := range d.Labels() {
		if l != datasets.NoClass {
			ofClass = append(ofClass, i)
		}
	}
	t.progress(ctx, "measuring thresholds", 0, 0)
	s := subset(d, x, t.EmbeddingSize(), ofClass)
	s.Cameras = nil // two pictures of one camera are a pair like any other
	v, err := metrics.Verify(ctx, s, metrics.VerifyOptions{At: at, Seed: t.cfg.Seed})
	return v, errors.Wrap(err, "trainer: thresholds")
}

// verifyModel measures the thresholds of the model on the validation classes, and on the
// test classes, whose embeddings are x, its own and those of the validation classes; and of
// both what they list of pairs.
func (t *Trainer) verifyModel(ctx context.Context, r *Result, on string, x []float32) error {
	r.Verification, r.Pairs = map[string]metrics.Verification{}, map[string]ListedPairs{}
	var chosen []float64
	for _, part := range []struct {
		name string
		set  *items
	}{{SetValidation, t.data.Val}, {SetTest, t.data.Test}} {
		d := part.set
		if d == nil || !hasPairs(d) && len(d.Pairs()) == 0 {
			continue
		}
		embeddings := x
		if on != part.name {
			var err error
			if embeddings, err = t.embed(ctx, d, "embedding "+d.noun()); err != nil {
				return err
			}
		}
		if hasPairs(d) {
			v, err := t.verify(ctx, d, embeddings, chosen)
			if err != nil {
				return err
			}
			r.Verification[part.name] = v
			chosen = chosenThresholds(v)
		}
		listed, err := t.verifyListed(ctx, d, embeddings)
		if err != nil {
			return err
		}
		if listed != nil {
			r.Pairs[part.name] = *listed
		}
	}
	return nil
}

// chosenThresholds are those of v for its rates, and that of equal error.
func chosenThresholds(v metrics.Verification) (chosen []float64) {
	for _, p := range v.AtFAR {
		chosen = append(chosen, p.Threshold)
	}
	return append(chosen, v.EERThreshold)
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
		return r.twoSets(val, test)
	case hasVal:
		return r.oneSet("validation", val)
	case hasTest:
		return r.oneSet("test", test)
	}
	return Table{}
}

// thresholdNote says what the table's letters mean.
func (r Result) thresholdNote() string {
	return fmt.Sprintf("A pair of %s counts as same if its distance is less than d. TAR: share of the pairs of one class that do; FAR: of two classes.",
		cmp.Or(r.Items, "pictures"))
}

func (r Result) oneSet(name string, v metrics.Verification) Table {
	names, points := thresholds(v)
	t := Table{Head: []string{"FAR at most", "accept below d", "TAR", "FAR"}}
	t.addColumns(names, distances(points), trueAccepts(points), falseAccepts(points))
	t.Notes = append(t.Notes, r.thresholdNote(), fmt.Sprintf("Area under the ROC: %s.", decimals(v.AUC)), pairsOf(name, v))
	return t.withReason(name, v)
}

// twoSets shows the thresholds of the validation classes and what they give on the test
// classes. The thresholds that the test classes would choose stand in result.json only:
// what is chosen on them cannot be measured on them.
func (r Result) twoSets(val, test metrics.Verification) Table {
	names, points := thresholds(val)
	t := Table{Head: []string{"FAR at most", "accept below d", "validation TAR", "test TAR", "test FAR"}}
	t.addColumns(names, distances(points), trueAccepts(points), trueAccepts(test.At), falseAccepts(test.At))
	t.Notes = append(t.Notes, r.thresholdNote()+" d is chosen on the validation classes; the test columns say what it gives on the test classes.",
		fmt.Sprintf("Area under the ROC: validation %s; test %s, where a d of its own would give an equal error rate of %s.", decimals(val.AUC), decimals(test.AUC), percent(test.EER)),
		pairsOf("validation", val)+"; "+pairsOf("test", test))
	return t.withReason("validation", val)
}

// thresholds are those of v with their names, that of equal error last.
func thresholds(v metrics.Verification) (names []string, points []metrics.OperatingPoint) {
	for _, p := range v.AtFAR {
		names, points = append(names, percent(p.AskedFAR)), append(points, p)
	}
	names = append(names, "equal error, "+percent(v.EER))
	return names, append(points, metrics.OperatingPoint{Threshold: v.EERThreshold, TAR: 1 - v.EER, FAR: v.EER})
}

func (t *Table) addColumns(columns ...[]string) {
	for k := range columns[0] {
		row := make([]string, len(columns))
		for c := range columns {
			row[c] = columns[c][k]
		}
		t.Rows = append(t.Rows, row)
	}
}

func distances(points []metrics.OperatingPoint) []string {
	return column(points, 3, "", func(p metrics.OperatingPoint) float64 { return p.Threshold })
}

func trueAccepts(points []metrics.OperatingPoint) (out []string) {
	for _, p := range points {
		out = append(out, decimals(p.TAR))
	}
	return out
}

func falseAccepts(points []metrics.OperatingPoint) []string {
	return column(points, 2, " %", func(p metrics.OperatingPoint) float64 { return 100 * p.FAR })
}

// column writes numbers with the same decimals, so many that the smallest has the
// significant digits asked for.
func column(points []metrics.OperatingPoint, digits int, unit string, of func(metrics.OperatingPoint) float64) []string {
	least := math.Inf(1)
	for _, p := range points {
		if v := math.Abs(of(p)); v > 0 {
			least = min(least, v)
		}
	}
	places := 0
	if !math.IsInf(least, 1) {
		places = min(max(0, digits-1-int(math.Floor(math.Log10(least)))), mostDecimals)
	}
	var out []string
	for _, p := range points {
		out = append(out, strconv.FormatFloat(of(p), 'f', places, 64)+unit)
	}
	return out
}

// mostDecimals keeps a column narrow.
const mostDecimals = 12

// withReason says why rows are missing.
func (t Table) withReason(name string, v metrics.Verification) Table {
	var rates []string
	for _, far := range v.TooFine {
		rates = append(rates, percent(far))
	}
	if len(rates) > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("No row for a FAR of %s: %s has too few pairs of two classes, a rate must rest on ten.", strings.Join(rates, ", "), name))
	}
	return t
}

func pairsOf(name string, v metrics.Verification) string {
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

func rounded(v float64, digits int) string {
	s := strconv.FormatFloat(v, 'g', digits, 64)
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		s = strconv.FormatFloat(f, 'f', -1, 64)
	}
	return s
}
