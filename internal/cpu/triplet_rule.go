package cpu

import (
	"math"
	"slices"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

// weightOf is what a triplet has of a pair of which a mask holds so much.
func weightOf(r spec.TripletRule, held float64) float64 {
	if !r.Weighted {
		return 1
	}
	return held
}

// negative is a negative of an anchor.
type negative struct {
	dist   float64
	look   float64 // AN·W_an, which the window looks at
	weight float64 // that a triplet has of it
	index  int
}

// gatherNegatives reads the negatives of anchor a, where its row of the mask is not 0.
func (r *tripletRow[T]) gatherNegatives(t *tripletTask[T], a int, neg []T) {
	r.neg = r.neg[:0]
	m := t.s.M
	d, w, an := t.d[a*m:(a+1)*m], t.rule.w[a*m:(a+1)*m], t.s.Rule.Factors().AN
	for j, v := range neg {
		if v != 0 {
			r.neg = append(r.neg, negative{float64(d[j]), an * float64(w[j]), weightOf(t.s.Rule, float64(v)), j})
		}
	}
}

// ruleInputs are the inputs of a rule.
type ruleInputs[T loops.Float] struct {
	w, among []T // distances that the window looks at, those from the anchors and from the positives
	partners []T
}

// newRuleInputs takes the rule's inputs, the first ones of in, and returns those after them.
func newRuleInputs[T loops.Float](r spec.TripletRule, d []T, in [][]T) (ruleInputs[T], [][]T) {
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

// tripletView is what the rule leaves of the negatives of one anchor and one positive, and what the
// window looks at.
type tripletView[T loops.Float] struct {
	negatives     []negative
	windowed      bool    // the window leaves out some
	above, atMost float64 // NaN is no bound
	ap, factor    float64 // AP·W_ap, and PN
	pn            []T     // nil if it does not matter
}

// view is that of anchor a, its positive p and its negatives.
func (t *tripletTask[T]) view(a int, p positive, negatives []negative) tripletView[T] {
	m := t.s.M
	sides := t.s.Rule.Factors()
	v := tripletView[T]{negatives: negatives, above: t.s.Above, atMost: t.s.AtMost, ap: sides.AP * float64(t.rule.w[a*m+p.index]), factor: sides.PN}
	v.windowed = !math.IsInf(v.above, -1) || !math.IsInf(v.atMost, 1)
	if math.IsInf(v.above, -1) {
		v.above = math.NaN()
	}
	if sides.PN != 0 {
		v.pn = t.rule.among[p.index*m : (p.index+1)*m]
	}
	if t.s.Rule.Partners {
		n := int(t.rule.partners[a*m+p.index])
		at, is := slices.BinarySearchFunc(negatives, n, func(x negative, n int) int { return x.index - n })
		v.negatives = negatives[at:at]
		if is {
			v.negatives = negatives[at : at+1]
		}
	}
	return v
}

// holds reports whether the window holds the triplet with negative n, of which it looks at AN·W_an. One
// whose distances are no numbers is held: the sum must tell of it.
func (v *tripletView[T]) holds(an float64, n int) bool {
	diff := an + v.ap
	if v.pn != nil {
		diff += v.factor * float64(v.pn[n])
	}
	return !(diff <= v.above || diff > v.atMost)
}
