package gpu

import (
	"slices"

	"medusa/internal/spec"
)

func init() {
	register((*builder).triplets)
	register(func(b *builder, s spec.TripletsGrad) {
		b.tripletsGrad(spec.Triplets(s))
	})
	register(func(b *builder, s spec.TripletsAmongGrad) {
		b.tripletsAmongGrad(spec.Triplets(s))
	})
}

// tripletOperands are those of Triplets: distances, masks, distances that hold the D_pn, and the gradient to
// the sums.
type tripletOperands struct {
	d         operand
	pos, neg  maskOperand
	among, up operand
	rule      []any // distances that the window looks at, those among the columns, and partners
}

// tripletOperands are the inputs from in(at) on, with masks made in the workspace from scratch on.
func (b *builder) tripletOperands(s spec.Triplets, d operand, at, scratch int) tripletOperands {
	o := tripletOperands{d: d, among: d}
	o.pos = b.maskOf(s.Pos, s.N, s.M, at, scratch)
	at, scratch = at+s.Pos.Inputs(), scratch+scratchOf(s.Pos, s.N, s.M)
	o.neg = b.maskOf(s.Neg, s.N, s.M, at, scratch)
	at += s.Neg.Inputs()
	if s.Among {
		o.among, at = in(at), at+1
	}
	w, among := d, d
	if s.Rule.Apart {
		w, among, at = in(at), in(at), at+1
	}
	if s.Rule.ApartAmong {
		among, at = in(at), at+1
	}
	partners := in(at).or(s.Rule.Partners)
	if s.Rule.Partners {
		at++
	}
	o.rule = []any{w, among, partners}
	o.up = in(at)
	return o
}

func (b *builder) triplets(s spec.Triplets) {
	o := b.tripletOperands(s, in(0), 1, 0)
	if s.Each() {
		b.launch("triplets_each", blocks(s.N), slices.Concat(eachTriplet(s, o), []any{in(0), o.pos.from, o.neg.from, o.among}, o.rule, []any{out})...)
		return
	}
	args := []any{s.M, s.Margin}
	closed := 0
	for i, span := range s.Spans() {
		args = append(args, span.From.At, span.To.At)
		closed |= btoi(span.From.Closed)<<(2*i) | btoi(span.To.Closed)<<(2*i+1)
	}
	b.launch("triplets", blocks(s.N), append(args, closed, o.pos.pairs, o.neg.pairs, in(0), o.pos.from, o.neg.from, out)...)
}

func (b *builder) tripletsGrad(s spec.Triplets) {
	b.tripletsGradTo(s, b.tripletOperands(s, in(0), 1, 0), out)
}

func (b *builder) tripletsGradTo(s spec.Triplets, o tripletOperands, dx operand) {
	if s.Each() {
		b.launch("triplets_each_grad", blocks(s.N), slices.Concat(eachTriplet(s, o), []any{s.Swap && !s.Among, o.d, o.pos.from, o.neg.from, o.among}, o.rule, []any{o.up, dx})...)
		return
	}
	span := s.Spans()[spec.TripletSum]
	b.launch("triplets_grad", blocks(s.N), s.M, span.From.At, span.To.At, btoi(span.From.Closed)|btoi(span.To.Closed)<<1,
		o.pos.pairs, o.neg.pairs, o.d, o.pos.from, o.neg.from, o.up, dx)
}

// tripletsPart is the gradient to d, added to g with add.
func (b *builder) tripletsPart(s spec.Triplets, d operand, at, scratch int, g operand, add bool) {
	n := s.N * s.M
	if !add {
		b.tripletsGradTo(s, b.tripletOperands(s, d, at, scratch), g)
		return
	}
	b.work(scratch + n)
	b.tripletsGradTo(s, b.tripletOperands(s, d, at, scratch+n), work(scratch))
	b.launch("binary_flat", flat(n), n, 0, g, work(scratch), g)
}

func (b *builder) tripletsAmongGrad(s spec.Triplets) {
	o := b.tripletOperands(s, in(0), 1, 0)
	b.launch("triplets_among_grad", blocks(s.M), slices.Concat(eachTriplet(s, o), []any{in(0), o.pos.from, o.neg.from, o.among}, o.rule, []any{o.up, out})...)
}

func eachTriplet(s spec.Triplets, o tripletOperands) []any {
	sides := s.Rule.Sides
	if sides == (spec.Sides{}) {
		sides = spec.Sides{AP: -1, AN: 1}
	}
	weighted := btoi(s.Rule.Weighted && s.Pos.InMemory()) | btoi(s.Rule.Weighted && s.Neg.InMemory())<<1
	return []any{s.N, s.M, s.Margin, s.Above, s.AtMost, s.Low, s.High, s.Swap, s.Smooth, sides.AP, sides.AN, sides.PN, weighted, o.pos.pairs, o.neg.pairs}
}
