package gpu

import "medusa/internal/spec"

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
	apart     apartArgs // distances that the window looks at, those among the columns, and partners
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
	o.apart = apartArgs{w: w, wAmong: among, partners: partners}
	o.up = in(at)
	return o
}

func (b *builder) triplets(s spec.Triplets) {
	o := b.tripletOperands(s, in(0), 1, 0)
	if s.Each() {
		b.launchTripletsEach(blocks(s.N), s.N, s.M, ruleOf(s), o.pos.pairs, o.neg.pairs, in(0), o.pos.from, o.neg.from, o.among, o.apart, out, output(1), output(2), output(3))
		return
	}
	spans := s.Spans()
	closed := 0
	for i, span := range spans {
		closed |= closedEnds(span) << (2 * i)
	}
	b.launchTriplets(blocks(s.N), s.M, s.Margin, spans[0].From.At, spans[0].To.At, spans[1].From.At, spans[1].To.At,
		spans[2].From.At, spans[2].To.At, spans[3].From.At, spans[3].To.At, closed, o.pos.pairs, o.neg.pairs, in(0), o.pos.from, o.neg.from, out, output(1), output(2), output(3))
}

// closedEnds says which ends of a span belong to it, as bits.
func closedEnds(s spec.Span) int { return btoi(s.From.Closed) | btoi(s.To.Closed)<<1 }

func (b *builder) tripletsGrad(s spec.Triplets) {
	b.tripletsGradTo(s, b.tripletOperands(s, in(0), 1, 0), out)
}

func (b *builder) tripletsGradTo(s spec.Triplets, o tripletOperands, dx operand) {
	if s.Each() {
		b.launchTripletsEachGrad(blocks(s.N), s.N, s.M, ruleOf(s), o.pos.pairs, o.neg.pairs, s.Swap && !s.Among,
			o.d, o.pos.from, o.neg.from, o.among, o.apart, o.up, dx)
		return
	}
	span := s.Spans()[spec.TripletSum]
	b.launchTripletsGrad(blocks(s.N), s.M, span.From.At, span.To.At, closedEnds(span),
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
	b.launchBinaryFlat(flat(n), n, operatorAdd, g, work(scratch), g)
}

func (b *builder) tripletsAmongGrad(s spec.Triplets) {
	o := b.tripletOperands(s, in(0), 1, 0)
	b.launchTripletsAmongGrad(blocks(s.M), s.N, s.M, ruleOf(s), o.pos.pairs, o.neg.pairs, in(0), o.pos.from, o.neg.from, o.among, o.apart, o.up, out)
}

// ruleOf says which triplets count, to kernels that visit each.
func ruleOf(s spec.Triplets) ruledArgs {
	sides := s.Rule.Factors()
	weighted := btoi(s.Rule.Weighted && s.Pos.InMemory()) | btoi(s.Rule.Weighted && s.Neg.InMemory())<<1
	return ruledArgs{margin: s.Margin, above: s.Above, atMost: s.AtMost, low: s.Low, high: s.High, swap: s.Swap, smooth: s.Smooth,
		sideAp: sides.AP, sideAn: sides.AN, sidePn: sides.PN, weighted: weighted}
}
