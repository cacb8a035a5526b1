package trainer

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/wording"
	"medusa/metrics"
)

// ListedPairs is what was measured on the pairs that a set lists, as Labeled Faces in the
// Wild does. Where Genuine or Impostor is 0, nothing could be: a threshold needs both.
type ListedPairs struct {
	metrics.PairVerification
	Listed int `json:"listed_pairs"` // with those of which a picture is lacking or in another part
}

// Measured is the number of pairs of which both pictures are there.
func (p ListedPairs) Measured() int { return int(p.Genuine + p.Impostor) }

// verifyListed measures the pairs that d lists on the embeddings x; nil if it lists none.
func (t *Trainer) verifyListed(ctx context.Context, d *items, x []float32) (*ListedPairs, error) {
	pairs := d.Pairs()
	if len(pairs) == 0 {
		return nil, nil
	}
	t.progress(ctx, "measuring listed pairs", 0, len(pairs))
	out := &ListedPairs{Listed: max(len(pairs), d.Summary().Listed)}
	list := make([]metrics.Pair, len(pairs))
	for i, p := range pairs {
		list[i] = metrics.Pair(p)
		if p.Same {
			out.Genuine++
		} else {
			out.Impostor++
		}
	}
	if out.Genuine == 0 || out.Impostor == 0 {
		return out, nil
	}
	var err error
	out.PairVerification, err = metrics.VerifyPairs(ctx, metrics.Set{Embeddings: x, Dim: t.EmbeddingSize(), Labels: d.Labels()}, list, metrics.VerifyOptions{})
	return out, errors.Wrap(err, "trainer: listed pairs")
}

// PairTable shows Pairs, a column a set; a table without rows where no set lists pairs.
func (r Result) PairTable() Table {
	t := Table{Head: []string{"listed pairs"}}
	var sets []ListedPairs
	var rates []float64
	for _, name := range []string{SetValidation, SetTest} {
		p, ok := r.Pairs[name]
		if !ok {
			continue
		}
		t.Head, sets = append(t.Head, name), append(sets, p)
		if len(p.AtFAR) > len(rates) {
			rates = rates[:0]
			for _, at := range p.AtFAR {
				rates = append(rates, at.AskedFAR)
			}
		}
	}
	if len(sets) == 0 {
		return Table{}
	}
	row := func(name string, of func(ListedPairs) string) {
		cells := []string{name}
		for _, p := range sets {
			cells = append(cells, of(p))
		}
		t.Rows = append(t.Rows, cells)
	}
	row("of one class", func(p ListedPairs) string { return wording.Thousands(int(p.Genuine)) })
	row("of two classes", func(p ListedPairs) string { return wording.Thousands(int(p.Impostor)) })
	row("accuracy", ListedPairs.accuracy)
	row("area under the ROC", measuredPair(func(p ListedPairs) string { return decimals(p.AUC) }))
	row("equal error rate", measuredPair(func(p ListedPairs) string { return percent(p.EER) + below(p.EERThreshold) }))
	for _, rate := range rates {
		row("TAR at FAR "+percent(rate), func(p ListedPairs) string { return p.acceptedAt(rate) })
	}
	t.Notes = append(t.Notes, fmt.Sprintf("A listed pair of %s counts as same if its distance is less than d. Accuracy: mean of the folds of the list, each judged by the d that is best on the others, ± the standard error of that mean.", cmp.Or(r.Items, "pictures")))
	for i, p := range sets {
		t.Notes = append(t.Notes, p.notes(t.Head[i+1])...)
	}
	return t
}

const noFigure = "—" // in the place of a figure that could not be measured

func below(threshold float64) string {
	return ", d = " + column([]metrics.OperatingPoint{{Threshold: threshold}}, 3, "", func(p metrics.OperatingPoint) float64 { return p.Threshold })[0]
}

// measuredPair is a cell of a figure that needs pairs of both kinds.
func measuredPair(of func(ListedPairs) string) func(ListedPairs) string {
	return func(p ListedPairs) string {
		if p.Genuine == 0 || p.Impostor == 0 {
			return noFigure
		}
		return of(p)
	}
}

func (p ListedPairs) accuracy() string {
	if !p.CrossValidated() {
		return noFigure
	}
	return fmt.Sprintf("%.4f ± %.4f, %d folds", p.Accuracy, p.StandardError, len(p.Folds))
}

func (p ListedPairs) acceptedAt(rate float64) string {
	for _, at := range p.AtFAR {
		if at.AskedFAR == rate {
			return decimals(at.TAR) + below(at.Threshold)
		}
	}
	return noFigure
}

// notes say what of the list was not measured, and why.
func (p ListedPairs) notes(set string) (notes []string) {
	if n := p.Listed - p.Measured(); n > 0 {
		notes = append(notes, fmt.Sprintf("%s: %s of the %s listed pairs are left out, since a picture of theirs is lacking or in another part.", set, wording.Thousands(n), wording.Thousands(p.Listed)))
	}
	switch {
	case p.Genuine == 0 || p.Impostor == 0:
		return append(notes, fmt.Sprintf("%s: a threshold needs pairs of one class and of two, and there are %d and %d.", set, p.Genuine, p.Impostor))
	case !p.CrossValidated():
		notes = append(notes, set+": the list has one fold, and so no others to choose d on: there is no accuracy.")
	}
	var rates []string
	for _, far := range p.TooFine {
		rates = append(rates, percent(far))
	}
	if len(rates) > 0 {
		notes = append(notes, fmt.Sprintf("%s: no TAR at a FAR of %s: too few pairs of two classes, a rate must rest on ten.", set, strings.Join(rates, ", ")))
	}
	return notes
}
