package miners

import (
	"math"

	"github.com/pkg/errors"

	"medusa/pairs"
)

// TripletMargin chooses triplets (a, p, n) by δ = D(a,n) − D(a,p), how much nearer the positive
// is than the negative:
//
//	all        δ ≤ m, hard and semi-hard
//	hard       δ ≤ 0
//	semi-hard  0 < δ ≤ m
//	easy       m < δ
//
// where m is the Margin.
//
// F. Schroff, D. Kalenichenko and J. Philbin, "FaceNet", CVPR 2015 (semi-hard).
type TripletMargin struct {
	Type   TripletType  `doc:"which triplets, by δ = D(a,n) − D(a,p)" choices:"all,hard,semi-hard,easy"`
	Margin float64      `doc:"m, in units of distance" min:"0" max:"1e3"`
	Metric pairs.Metric `name:"distance" doc:"how embeddings are compared" none:"as the loss does"`
}

func init() {
	Register("triplet-margin", "triplets by how much farther the negative is than the positive (FaceNet 2015)", TripletMargin{Type: All, Margin: 0.2})
}

// TripletType names a kind of triplets or, of BatchEasyHard, of pairs.
type TripletType string

// The types of triplets.
const (
	All      TripletType = "all"
	Hard     TripletType = "hard"
	SemiHard TripletType = "semi-hard"
	Easy     TripletType = "easy"
)

// Mine chooses a window of triplets.
func (m TripletMargin) Mine(b pairs.Batch) pairs.Selection {
	if !(m.Margin >= 0) || math.IsInf(m.Margin, 1) {
		return Fail(errors.Errorf("miners: triplet-margin: the margin is %g, want a number of at least 0", m.Margin))
	}
	w := pairs.Window{Above: math.Inf(-1), AtMost: math.Inf(1)}
	switch m.Type {
	case All:
		w.AtMost = m.Margin
	case Hard:
		w.AtMost = 0
	case SemiHard:
		w.Above, w.AtMost = 0, m.Margin
	case Easy:
		w.Above = m.Margin
	default:
		return Fail(errors.Errorf("miners: triplet-margin: unknown type %q, want all, hard, semi-hard or easy", m.Type))
	}
	return windowed(b, "triplet-margin", metricOf(b, m.Metric), w)
}
