package losses

import (
	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/graph"
)

// Triplet asks that an anchor be nearer to a positive than to a negative, by Margin:
//
//	L = R over triplets (a, p, n) of [D_ap − D_an + m]₊
//
// where (a, p) are of one class, a ≠ p, and n of another, Mining says which triplets
// count, m is the Margin and R the Reducer. Options:
//   - Metric{Kind: graph.SquaredEuclidean} makes the terms FaceNet's,
//   - Soft takes ln(1 + eᵛ) in place of [v]₊ (Hermans' soft margin, PML's smooth_loss),
//   - Swap takes min(D_an, D_pn) in place of D_an (Balntas et al.).
//
// With a similarity s in place of D the terms are [s_an − s_ap + m]₊.
//
// All triplets of a batch take O(B² log B) time, with Soft or Swap time proportional to
// their number, and O(B²) memory in every case; see graph.Triplets.
//
// F. Schroff, D. Kalenichenko and J. Philbin, "FaceNet", CVPR 2015 (the loss, semi-hard
// mining). A. Hermans, L. Beyer and B. Leibe, "In Defense of the Triplet Loss for Person
// Re-Identification", arXiv 1703.07737, 2017 (batch-hard, batch-all, soft margin).
// V. Balntas et al., "Learning local feature descriptors with triplets and shallow
// convolutional neural networks", BMVC 2016 (swap).
type Triplet struct {
	Margin float64 // in units of distance; 0.2, or 0 with Soft, if zero
	Mining Mining  // BatchHard if empty
	// MiningMargin bounds hard and easy triplets in SemiHard and Easy; Margin if zero.
	MiningMargin float64
	Soft         bool
	Swap         bool
	Metric       graph.Metric // Euclidean distance of normalised embeddings if zero
	Reducer      Reducer      // NonZero if zero
}

// Mining names which triplets of a batch count, by δ = D_an − D_ap.
type Mining string

// The ways of mining. Hard, SemiHard and Easy part all triplets between them; M is the
// MiningMargin.
const (
	BatchHard Mining = "batch-hard" // the farthest positive and the nearest negative of each anchor
	BatchAll  Mining = "batch-all"  // all; Hermans' name for All with the NonZero reducer
	All       Mining = "all"        // all
	Hard      Mining = "hard"       // δ ≤ 0: the negative is as near as the positive, or nearer
	SemiHard  Mining = "semi-hard"  // 0 < δ ≤ M: farther, but within the margin
	Easy      Mining = "easy"       // M < δ: farther by more than the margin
)

// Minings lists the ways of mining by name.
func Minings() []string {
	return []string{string(BatchHard), string(BatchAll), string(All), string(Hard), string(SemiHard), string(Easy)}
}

var (
	_ Loss    = Triplet{}
	_ Monitor = Triplet{}
)

// Loss takes embeddings (B, E) and labels (B) and returns a scalar.
func (l Triplet) Loss(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
	if (l.Mining == "" || l.Mining == BatchHard) && !l.Swap {
		return l.batchHard(embeddings, labels)
	}
	sums, b, l, err := l.sums(embeddings, labels)
	if err != nil {
		return nil, err
	}
	return l.Reducer.total(sums.Sum, sums.Count, b.labels).Node()
}

// batchHard is the loss over each anchor's one hardest triplet, without Swap.
func (l Triplet) batchHard(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
	l, err := l.filled()
	if err != nil {
		return nil, err
	}
	b, err := compare(l.Metric, embeddings, labels)
	if err != nil {
		return nil, err
	}
	far, some := graph.RowMaxOf(b.pos, b.d)    // (B, 1)
	near, others := graph.RowMinOf(b.neg, b.d) // (B, 1)
	mined := some.Mul(others)                  // anchors that have a triplet
	violation := graph.Where(mined, far.Sub(near), 0).Plus(l.Margin)
	terms := violation.Relu()
	if l.Soft {
		terms = violation.Softplus()
	}
	return l.Reducer.reduce(terms, mined, b.labels).Node()
}

// ActiveShare is the share of mined triplets that violate the margin. With Soft all have
// a gradient; the share is still of those with D_ap − D_an + m > 0.
func (l Triplet) ActiveShare(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
	sums, _, _, err := l.sums(embeddings, labels)
	if err != nil {
		return nil, err
	}
	return share(sums.Active, sums.Chosen).Node()
}

// sums goes from embeddings over mining to the sums of each anchor's terms.
func (l Triplet) sums(embeddings, labels *gorgonia.Node) (s graph.TripletSums, b batch, _ Triplet, err error) {
	if l, err = l.filled(); err != nil {
		return s, b, l, err
	}
	if b, err = compare(l.Metric, embeddings, labels); err != nil {
		return s, b, l, err
	}
	pos, neg, window := l.mine(b)
	t := graph.Triplets{Margin: l.Margin, Swap: l.Swap, Smooth: l.Soft, Window: window}
	t.Low, t.High = l.Reducer.bounds()
	return t.Sums(b.d, pos, neg), b, l, nil
}

// mine says which pairs make triplets, as masks (B, B), and what differences δ count.
func (l Triplet) mine(b batch) (pos, neg graph.Expr, w graph.Window) {
	pos, neg, w = b.pos, b.neg, graph.EveryTriplet()
	switch l.Mining {
	case BatchHard:
		pos, neg = graph.RowFarthest(pos, b.d), graph.RowNearest(neg, b.d)
	case Hard:
		w.AtMost = 0
	case SemiHard:
		w = graph.Window{Above: 0, AtMost: l.MiningMargin}
	case Easy:
		w.Above = l.MiningMargin
	}
	return pos, neg, w
}

// filled is l with its defaults.
func (l Triplet) filled() (Triplet, error) {
	if l.Mining == "" {
		l.Mining = BatchHard
	}
	switch l.Mining {
	case BatchHard, BatchAll, All, Hard, SemiHard, Easy:
	default:
		return l, errors.Errorf("losses: unknown mining %q, want one of %v", l.Mining, Minings())
	}
	if !l.Soft {
		l.Margin = orElse(l.Margin, 0.2)
	}
	l.MiningMargin = orElse(l.MiningMargin, l.Margin)
	err := inRange("triplet", field{"margin", l.Margin}, field{"mining-margin", l.MiningMargin})
	if err != nil {
		return l, err
	}
	l.Reducer, err = l.Reducer.or(NonZero)
	return l, err
}
