package miners

import (
	"math"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// BatchEasyHard chooses, for each anchor, one positive and one negative, or all of a kind, by the
// strategies Pos and Neg:
//
//	all        all pairs of the kind
//	easy       the nearest positive; the farthest negative
//	hard       the farthest positive; the nearest negative
//	semi-hard  the farthest positive that is nearer than the negative chosen; the nearest negative
//	           that is farther than the positive chosen
//
// of the pairs whose distance, or similarity, lies in PosRange and NegRange. An anchor that lacks the
// one has not the other either, unless a strategy is "all". Among equal distances the first column
// is chosen. Not both can be semi-hard, nor one with "all".
//
// H. Xuan, A. Stylianou and R. Pless, "Improved Embeddings with Easy Positive Triplet Mining", WACV
// 2020 (easy positives). F. Schroff, D. Kalenichenko and J. Philbin, "FaceNet", CVPR 2015
// (semi-hard).
type BatchEasyHard struct {
	Pos      TripletType  `doc:"which positive pairs" choices:"all,easy,semi-hard,hard"`
	Neg      TripletType  `doc:"which negative pairs" choices:"all,easy,semi-hard,hard"`
	PosRange []float64    `doc:"least and largest distance, or similarity, of a positive pair, such as [0.2, 1]; empty: any" min:"-inf" max:"inf"`
	NegRange []float64    `doc:"least and largest distance, or similarity, of a negative pair; empty: any" min:"-inf" max:"inf"`
	Metric   pairs.Metric `name:"distance" doc:"how embeddings are compared" none:"as the loss does"`
}

func init() {
	Register("batch-easy-hard", "an easy, semi-hard or hard positive and negative of each anchor (Xuan 2020)", BatchEasyHard{Pos: Easy, Neg: SemiHard})
}

// Validate says what does not go together.
func (m BatchEasyHard) Validate() error {
	for _, side := range []struct {
		name     string
		strategy TripletType
		within   []float64
	}{{"pos", m.Pos, m.PosRange}, {"neg", m.Neg, m.NegRange}} {
		switch side.strategy {
		case All, Easy, SemiHard, Hard:
		default:
			return errors.Errorf("miners: batch-easy-hard: %s is %q, want all, easy, semi-hard or hard", side.name, side.strategy)
		}
		if r := side.within; len(r) != 0 && (len(r) != 2 || !(r[0] <= r[1])) {
			return errors.Errorf("miners: batch-easy-hard: %s-range is %v, want two numbers, the smaller one first", side.name, r)
		}
	}
	if m.Pos == SemiHard && (m.Neg == SemiHard || m.Neg == All) || m.Pos == All && m.Neg == SemiHard {
		return errors.Errorf("miners: batch-easy-hard: pos is %s and neg %s: semi-hard is measured by one pair of the other kind, so that must be easy or hard", m.Pos, m.Neg)
	}
	return nil
}

// Mine chooses pairs, or one triplet of each anchor.
func (m BatchEasyHard) Mine(b pairs.Batch) pairs.Selection {
	if err := m.Validate(); err != nil {
		return Fail(err)
	}
	c := compare(b, m.Metric)
	similarity := metricOf(b, m.Metric).Similarity()
	c.Pos, c.Neg = inRange(c, c.Pos, m.PosRange, similarity), inRange(c, c.Neg, m.NegRange, similarity)
	d := c.D.Detach()
	if m.Pos == SemiHard {
		c.Neg = m.negative(c)
		c.Pos = graph.RowFarthest(below(c, c.Pos, graph.RowMin(c.Neg, d, math.Inf(1))), d)
	} else {
		c.Pos = m.positive(c)
		if m.Neg == SemiHard {
			c.Neg = above(c, c.Neg, graph.RowMax(c.Pos, d, math.Inf(-1)))
		}
		c.Neg = m.negative(c)
	}
	s := pairs.Selection{Pos: c.Pos, Neg: c.Neg, Single: m.Pos != All && m.Neg != All}
	if !s.Single { // one side may count several times
		s.Hold = c.Hold
	}
	return s
}

func (m BatchEasyHard) positive(c pairs.Compared) graph.Expr {
	switch m.Pos {
	case Easy:
		return graph.RowNearest(c.Pos, c.D)
	case Hard:
		return graph.RowFarthest(c.Pos, c.D)
	}
	return c.Pos
}

// negative is the nearest one for semi-hard too, of those that are left.
func (m BatchEasyHard) negative(c pairs.Compared) graph.Expr {
	switch m.Neg {
	case Easy:
		return graph.RowFarthest(c.Neg, c.D)
	case Hard, SemiHard:
		return graph.RowNearest(c.Neg, c.D)
	}
	return c.Neg
}

// inRange are the pairs with least ≤ D ≤ largest, or so of the similarity −D.
func inRange(c pairs.Compared, of graph.Expr, within []float64, similarity bool) graph.Expr {
	if len(within) == 0 || c.D.Err() != nil {
		return of
	}
	least, largest := within[0], within[1]
	if similarity {
		least, largest = -largest, -least
	}
	return weighed(c, of, graph.Within(of, c.D, constant(c, lower(least, c.D.Dtype())), constant(c, largest)))
}
