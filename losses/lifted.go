package losses

import (
	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/graph"
)

// LiftedStructure lets every positive pair of the batch face all negatives of its two
// ends at once. The Smooth form is, over the ordered positive pairs P,
//
//	L = 1/(2|P|) Σ over (i,j) in P of [J_ij]₊²
//	J_ij = (1/s)·ln( Σ over n of e^{s(α − D_in)} + Σ over n of e^{s(α − D_jn)} ) + D_ij − β
//
// where n goes over the negatives of i or j, α is the Margin, β the PosMargin and s the
// Sharpness. With s = 1 and β = 0 it is the paper's smooth upper bound (eq. 4), and as s
// grows it tends to the MaxMargin form (eq. 3),
//
//	J_ij = max( max over n of α − D_in, max over n of α − D_jn ) + D_ij − β.
//
// The Generalized form (Hermans et al.) goes over the B anchors i,
//
//	L = (1/B) Σ over i of [ (1/s)·ln Σ over p of e^{s(D_ip − β)} + (1/s)·ln Σ over n of e^{s(α − D_in)} ]₊
//
// where a sum over nothing counts 0 after the logarithm, as pytorch-metric-learning has
// it. A positive pair without any negative has no term; no positive pair gives 0.
//
// The papers take D of raw embeddings, α = 1 and s = 1. On normalised embeddings, where
// D ≤ 2, the weights e^{−D} of the hardest and the easiest negative differ by e² at most:
// the sum pushes all alike, and hardly learns. So the defaults here are sharper; the
// paper's are Margin 1, Sharpness 1, Metric{Raw: true}, pytorch-metric-learning's the
// same without Raw.
//
// HardNegatives keeps, of each anchor's negatives, that many nearest ones. The paper draws
// a batch as random positive pairs and adds hard negatives of their ends; in a batch of
// P×K this option draws them from what the batch holds. It needs no random number and so
// repeats exactly.
//
// With a similarity s_ij in place of D_ij, −s_ij takes its part and α, β their signs:
// the terms are s_in − α and β − s_ij.
//
// H. O. Song, Y. Xiang, S. Jegelka and S. Savarese, "Deep Metric Learning via Lifted
// Structured Feature Embedding", CVPR 2016. A. Hermans, L. Beyer and B. Leibe, "In Defense
// of the Triplet Loss for Person Re-Identification", arXiv 1703.07737, 2017.
type LiftedStructure struct {
	Form          Form         // Smooth if empty
	Margin        float64      // α in units of distance; 0.5 if zero
	PosMargin     float64      // β in units of distance
	Sharpness     float64      // s in units of 1/distance; 16 if zero; none in MaxMargin
	HardNegatives int          // negatives that each anchor keeps; all if zero
	Metric        graph.Metric // Euclidean distance of normalised embeddings if zero
	Reducer       Reducer      // Mean if zero
}

// The forms of LiftedStructure.
const (
	Smooth      Form = "smooth"
	MaxMargin   Form = "max-margin"
	Generalized Form = "generalized"
)

var (
	_ Loss    = LiftedStructure{}
	_ Monitor = LiftedStructure{}
)

// Loss takes embeddings (B, E) and labels (B) and returns a scalar.
func (l LiftedStructure) Loss(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
	t, b, l, err := l.violations(embeddings, labels)
	if err != nil {
		return nil, err
	}
	terms := t.j.Relu()
	if l.Form != Generalized {
		terms = terms.Square().Scale(0.5)
	}
	low, high := l.Reducer.bounds()
	sums, counts := graph.RowTerms(t.mask, terms, low, high)
	if l.Form != Generalized {
		sums, counts = graph.Where(t.rows, sums, 0), counts.Mul(t.rows)
	}
	return l.Reducer.total(sums, counts, b.labels).Node()
}

// ActiveShare is the share of positive pairs, in the Generalized form of anchors, whose
// term is not 0.
func (l LiftedStructure) ActiveShare(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
	t, _, l, err := l.violations(embeddings, labels)
	if err != nil {
		return nil, err
	}
	mask := t.mask
	if l.Form != Generalized {
		mask = mask.Mul(t.rows)
	}
	return share(mask.Mul(active(t.j)), mask).Node()
}

// liftedTerms are what the loss is made of: the J of the mask's positive pairs, both (B, B),
// but in rows (B, 1) of anchors that have a negative; in the Generalized form those of the
// mask's anchors, both (B, 1).
type liftedTerms struct{ j, mask, rows graph.Expr }

// violations are the terms, with the batch and the filled loss.
func (l LiftedStructure) violations(embeddings, labels *gorgonia.Node) (t liftedTerms, b batch, _ LiftedStructure, err error) {
	if l, err = l.filled(); err != nil {
		return t, b, l, err
	}
	if b, err = compare(l.Metric, embeddings, labels); err != nil {
		return t, b, l, err
	}
	return l.over(b), b, l, nil
}

func (l LiftedStructure) over(b batch) liftedTerms {
	pull := b.d.Plus(-l.PosMargin)   // (B, B)
	push := b.d.Neg().Plus(l.Margin) // (B, B)
	neg := b.neg
	if l.HardNegatives > 0 {
		neg = graph.RowNearestK(neg, b.d, l.HardNegatives)
	}
	if l.Form == Generalized {
		j := l.softMax(b.pos, pull).Add(l.softMax(neg, push)) // (B, 1)
		return liftedTerms{j: j, mask: j.Detach().Constant(1, j.Shape()...)}
	}
	hardest, rows := l.hardest(neg, push)
	return liftedTerms{hardest.Add(pull), b.pos, rows}
}

// hardest joins the negatives of a pair's two ends: (B, B) from push (B, B). The ends of a
// positive pair have both a negative or none, for they are of one class; rows (B, 1) says
// which anchors have, and what others get says nothing.
func (l LiftedStructure) hardest(neg, push graph.Expr) (joined, rows graph.Expr) {
	if l.Form == MaxMargin {
		end, rows := graph.RowMaxOf(neg, push)
		return end.Max(end.T()), rows
	}
	end, rows := graph.RowLogSumExpOf(neg, push.Scale(l.Sharpness)) // (B, 1)
	end = end.Scale(1 / l.Sharpness)
	// ln(eˣ + eʸ) = x + ln(1 + e^{y−x}), here of s·x and s·y
	return end.Add(end.T().Sub(end).Scale(l.Sharpness).Softplus().Scale(1 / l.Sharpness)), rows
}

// softMax is (1/s)·ln Σ e^{s·x} of each row where mask is 1, 0 of none, (B, 1).
func (l LiftedStructure) softMax(mask, x graph.Expr) graph.Expr {
	return graph.RowLogSumExp(mask, x.Scale(l.Sharpness), 0).Scale(1 / l.Sharpness)
}

// filled is l with its defaults; the margins of a similarity have their sign turned, as
// the similarity has.
func (l LiftedStructure) filled() (LiftedStructure, error) {
	switch l.Form {
	case "":
		l.Form = Smooth
	case Smooth, MaxMargin, Generalized:
	default:
		return l, errors.Errorf("losses: unknown form %q of lifted structure, want smooth, max-margin or generalized", l.Form)
	}
	l.Margin = orElse(l.Margin, 0.5)
	l.Sharpness = orElse(l.Sharpness, 16)
	margins := []field{{"margin", l.Margin}, {"pos-margin", l.PosMargin}}
	err := inRange("lifted", append(margins, field{"sharpness", l.Sharpness}, field{"hard-negatives", float64(l.HardNegatives)})...)
	if err != nil {
		return l, err
	}
	if err := notBelow0("lifted", l.Metric, margins...); err != nil {
		return l, err
	}
	if l.Metric.Similarity() {
		l.Margin, l.PosMargin = -l.Margin, -l.PosMargin
	}
	l.Reducer, err = l.Reducer.or(Mean)
	return l, err
}
