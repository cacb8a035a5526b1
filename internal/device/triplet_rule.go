package device

import (
	"math"

	"medusa/internal/device/cpu"
)

// TripletRule says more than Triplets by itself about which triplets count, and how often. Its
// zero value adds nothing.
type TripletRule struct {
	// Apart: the window looks at distances w (N, M) of its own, an input, not at d.
	Apart bool
	// Sides, if not zero, make the difference that lies in the window, AP·W_ap + AN·W_an + PN·W_pn;
	// zero: W_an − W_ap. With ApartAmong the W_pn are in an input (M, M); else they are in w, a
	// batch's distances from itself.
	Sides      Sides
	ApartAmong bool
	// Partners: an input (N, M) holds, for each positive pair, the one negative that makes a
	// triplet with it, a column; −1 if none does.
	Partners bool
	// Weighted: a triplet counts as often as the product of what the masks hold of its pairs.
	Weighted bool
}

// Sides are factors of the sides of a triplet.
type Sides struct{ AP, AN, PN float64 }

// Inputs is how many inputs the rule has.
func (r TripletRule) Inputs() int { return btoi(r.Apart) + btoi(r.ApartAmong) + btoi(r.Partners) }

// Each reports whether every triplet is visited by itself.
func (s Triplets) Each() bool { return s.Swap || s.Smooth || s.Rule != TripletRule{} }

func (r TripletRule) weight(pos, neg float64) float64 {
	if !r.Weighted {
		return 1
	}
	return pos * neg
}

// ruleInputs are the inputs of a rule.
type ruleInputs[T cpu.Float] struct {
	w, among []T // distances that the window looks at, those from the anchors and from the positives
	partners []T
}

// newRuleInputs takes the rule's inputs, the first ones of in, and returns those after them.
func newRuleInputs[T cpu.Float](r TripletRule, d []T, in [][]T) (ruleInputs[T], [][]T) {
	i := ruleInputs[T]{w: d}
	if r.Apart {
		i.w, in = in[0], in[1:]
	}
	i.among = i.w
	if r.ApartAmong {
		i.among, in = in[0], in[1:]
	}
	if r.Partners {
		i.partners, in = in[0], in[1:]
	}
	return i, in
}

// tripletView is what a rule and the window leave of the negatives of one anchor and one positive:
// some of those from … to.
type tripletView[T cpu.Float] struct {
	s        *Triplets
	from, to int
	sides    Sides
	ap       float64
	an, pn   []T // pn is nil if it does not matter
}

// view is that of anchor a and positive p.
func (t *tripletTask[T]) view(a, p int) tripletView[T] {
	m := t.s.M
	v := tripletView[T]{s: &t.s, to: m, sides: t.s.Rule.Sides, an: t.rule.w[a*m : (a+1)*m]}
	if v.sides == (Sides{}) {
		v.sides = Sides{AP: -1, AN: 1}
	}
	v.ap = v.sides.AP * float64(v.an[p])
	if v.sides.PN != 0 {
		v.pn = t.rule.among[p*m : (p+1)*m]
	}
	if t.s.Rule.Partners {
		n := t.rule.partners[a*m+p]
		v.from, v.to = 0, 0
		if n >= 0 && n < T(m) {
			v.from, v.to = int(n), int(n)+1
		}
	}
	return v
}

// holds reports whether the window holds the triplet with negative n. One whose distances are no
// numbers is held: the sum must tell of it.
func (v *tripletView[T]) holds(n int) bool {
	diff := v.sides.AN*float64(v.an[n]) + v.ap
	if v.pn != nil {
		diff += v.sides.PN * float64(v.pn[n])
	}
	return !(diff <= v.s.Above && !math.IsInf(v.s.Above, -1) || diff > v.s.AtMost)
}
