package gpu

import (
	"slices"

	"medusa/internal/device"
)

// metrics are those of pairs.cu, in the order of its numbers.
var metrics = []device.Metric{device.Euclidean, device.SquaredEuclidean, device.Manhattan, device.SNR, device.Dot, device.Minkowski}

// maskOperand is what a kernel reads of a mask: where it comes from, as medusa.cuh packs it, and
// the mask or the labels.
type maskOperand struct {
	pairs int
	from  operand
}

// maskOf is a mask (rows, cols) whose inputs begin at in(at). Where entries are chosen, the mask is
// made in the workspace from the number scratch on, for the step that comes next, and taken as
// given.
func (b *builder) maskOf(m device.Mask, rows, cols, at, scratch int) maskOperand {
	if len(m.Filters) == 0 {
		return maskOperand{packedPairs(m, rows), in(at)}
	}
	b.work(scratch + rows*cols)
	b.makeMask(m, rows, cols, at, work(scratch))
	return maskOperand{0, work(scratch)}
}

// packedPairs says where a mask comes from: in the lower two bits the pairs, above them where the
// labels of the columns begin.
func packedPairs(m device.Mask, rows int) int {
	pairs := slices.Index([]device.Pairs{device.Given, device.Positive, device.Negative}, m.Pairs)
	if m.Cross {
		pairs |= rows << 2
	}
	return pairs
}

// makeMask writes a mask (rows, cols) to y.
func (b *builder) makeMask(m device.Mask, rows, cols, at int, y operand) {
	n := rows * cols
	b.launch("pair_mask", flat(n), n, divisor(cols), packedPairs(m, rows), in(at), y)
	at++
	for _, c := range m.Filters {
		switch c.Kind {
		case device.Within:
			b.launch("choose_within", flat(n), n, divisor(cols), in(at), in(at+1), in(at+2), y)
		case device.Listed:
			b.launch("choose_listed", blocks(rows), cols, c.K, in(at), y)
		}
		at += c.Inputs()
	}
}

// scratchOf is how many numbers of workspace a mask (rows, cols) needs.
func scratchOf(m device.Mask, rows, cols int) int {
	if len(m.Filters) == 0 {
		return 0
	}
	return rows * cols
}

// tiled is a kernel of distances over rows×cols results, which come of k each.
func (b *builder) tiled(kernel string, rows, cols, k int, args ...any) {
	if err := counted(rows, cols, k); err != nil {
		b.add(nil, err)
		return
	}
	how := cut{side: 64}
	if few := how.tiles(rows, cols); few < b.d.processors {
		how.side = 32
	}
	b.launch(kernel+how.suffix(false), blocks(how.tiles(rows, cols)), args...)
}

func (b *builder) distance(s device.Distance) bool {
	m := slices.Index(metrics, s.Metric)
	if m < 0 {
		return false
	}
	y := in(1)
	if s.Self {
		y = in(0)
	}
	switch s.Metric {
	case device.SNR:
		b.work(2 * (s.N + s.M))
		b.moments(s, in(0), y, 0)
		b.launch("snr", flat(s.N*s.M), s.N, s.M, s.D, in(0), y, work(0), work(2*s.N), out)
	case device.Minkowski:
		b.launch("minkowski", flat(s.N*s.M), s.N, s.M, s.D, f32(s.P), in(0), y, out)
	default:
		b.tiled("distances", s.N, s.M, s.D, m, s.N, s.M, s.D, in(0), y, out)
	}
	return true
}

// pairGrad makes the sum of the parts in the workspace and pulls the rows by it.
func (b *builder) pairGrad(s device.PairGrad) bool {
	m := slices.Index(metrics, s.Metric)
	if m < 0 {
		return false
	}
	x, y, d, at := in(0), in(1), in(2), 3
	if s.Self {
		y, d, at = in(0), in(1), 2
	}
	n := s.N * s.M
	moments := n // where they lie, and behind them masks
	scratch := moments + 2*(s.N+s.M)
	b.work(scratch)
	g := work(0)
	if len(s.Parts) == 1 && s.Parts[0].Kind == device.MatrixPart {
		g = in(at)
	} else {
		for i, p := range s.Parts {
			switch p.Kind {
			case device.MatrixPart:
				if i == 0 {
					b.step(copyOf(g, in(at), n))
				} else {
					b.launch("binary_flat", flat(n), n, 0, g, in(at), g)
				}
			case device.TermsPart:
				b.rowTermsGrad(p.Terms, d, at, scratch, g, i > 0)
			case device.ReducePart:
				b.rowReduceGrad(p.Reduce, d, at, scratch, g, i > 0)
			case device.TripletsPart:
				b.tripletsPart(device.Triplets(p.Triplets), d, at, scratch, g, i > 0)
			}
			at += p.Inputs()
		}
	}
	switch {
	case s.Metric == device.SNR: // which is not symmetric
		b.moments(s.Distance, x, y, moments)
		if !s.ToY {
			b.snrGrad(s.Distance, false, false, x, y, d, g, moments)
		}
		if s.ToY || s.Self {
			b.snrGrad(s.Distance, true, s.Self, x, y, d, g, moments)
		}
	case s.Metric == device.Minkowski && s.ToY:
		b.launch("minkowski_grad", blocks(s.M), s.M, s.N, s.D, 1, s.M, false, f32(s.P), y, x, d, g, out)
	case s.Metric == device.Minkowski:
		b.launch("minkowski_grad", blocks(s.N), s.N, s.M, s.D, s.M, 1, s.Self, f32(s.P), x, y, d, g, out)
	case s.ToY:
		b.tiled("distances_grad", s.M, s.D, s.N, m, s.M, s.N, s.D, 1, s.M, false, y, x, d, g, out)
	default:
		b.tiled("distances_grad", s.N, s.D, s.M, m, s.N, s.M, s.D, s.M, 1, s.Self, x, y, d, g, out)
	}
	return true
}

// moments puts those of x and y into the workspace.
func (b *builder) moments(s device.Distance, x, y operand, at int) {
	b.launch("row_moments", blocks(s.N), s.D, x, work(at))
	b.launch("row_moments", blocks(s.M), s.D, y, work(at+2*s.N))
}

// snrGrad is the gradient to x, or to y with toY, given moments.
func (b *builder) snrGrad(s device.Distance, toY, add bool, x, y, d, g operand, at int) {
	rows := s.N
	if toY {
		rows = s.M
	}
	b.launch("snr_grad", flat(rows*s.D), s.N, s.M, s.D, toY, add, x, y, work(at), work(at+2*s.N), d, g, out)
}

func (b *builder) rowTerms(s device.RowTerms) {
	mask := b.maskOf(s.Mask, s.Rows, s.Cols, 1, 0)
	b.launch("row_terms", blocks(s.Rows), s.Cols, mask.pairs, s.Hinge, f32(s.K), f32(s.C), f32(s.Low), f32(s.High), in(0), mask.from, out)
}

// rowTermsGrad is the gradient to x, whose other inputs begin at in(at); a mask may be made in the
// workspace from scratch on.
func (b *builder) rowTermsGrad(s device.RowTermsGrad, x operand, at, scratch int, dx operand, add bool) {
	n := s.Rows * s.Cols
	mask := b.maskOf(s.Mask, s.Rows, s.Cols, at, scratch)
	up := in(at + s.Mask.Inputs())
	b.launch("row_terms_grad", flat(n), n, divisor(s.Cols), mask.pairs, s.Hinge, f32(s.K), f32(s.C), f32(s.Low), f32(s.High), add, x, mask.from, up, dx)
}

func (b *builder) rowReduce(s device.RowReduce) {
	mask := b.maskOf(s.Mask, s.Rows, s.Cols, 1, 0)
	if s.Op == device.RowLogSumExp {
		b.launch("row_logsumexp", blocks(s.Rows), s.Cols, mask.pairs, f32(s.K), f32(s.Empty), in(0), mask.from, out)
		return
	}
	b.launch("row_extreme", blocks(s.Rows), s.Cols, mask.pairs, btoi(s.Op == device.RowMin), f32(s.Empty), in(0), mask.from, out)
}

// rowReduceGrad is as rowTermsGrad.
func (b *builder) rowReduceGrad(s device.RowReduceGrad, x operand, at, scratch int, dx operand, add bool) {
	n := s.Rows * s.Cols
	y, dy := in(at+s.Mask.Inputs()), in(at+s.Mask.Inputs()+1)
	if s.Op == device.RowLogSumExp {
		mask := b.maskOf(s.Mask, s.Rows, s.Cols, at, scratch)
		b.launch("row_logsumexp_grad", blocks(s.Rows), s.Cols, mask.pairs, f32(s.K), add, x, mask.from, y, dy, dx)
		return
	}
	b.launch("row_extreme_grad", flat(n), n, divisor(s.Cols), add, y, dy, dx)
}

func (b *builder) rowKth(s device.RowKth) {
	mask := b.maskOf(s.Mask, s.Rows, s.Cols, 1, 0)
	b.launch("row_kth", blocks(s.Rows), s.Cols, s.K, mask.pairs, in(0), mask.from, out)
}

func (b *builder) shareBound(s device.ShareBound) {
	mask := b.maskOf(s.Mask, s.Rows, s.Cols, 1, 0)
	b.launch("share_bound", blocks(1), s.Rows, s.Cols, s.Share, s.Largest, s.Counted, mask.pairs, in(0), mask.from, out)
}

func (b *builder) rowCount(s device.RowCount) {
	mask := b.maskOf(s.Mask, s.Rows, s.Cols, 0, 0)
	b.launch("row_count", blocks(s.Rows), s.Cols, mask.pairs, mask.from, out)
}

func (b *builder) where(s device.Where) {
	n := s.Rows * s.Cols
	mask := b.maskOf(s.Mask, s.Rows, s.Cols, 1, 0)
	b.launch("where", flat(n), n, divisor(s.Cols), mask.pairs, f32(s.Other), in(0), mask.from, out)
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
func (b *builder) tripletOperands(s device.Triplets, d operand, at, scratch int) tripletOperands {
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

func (b *builder) triplets(s device.Triplets) {
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

func (b *builder) tripletsGrad(s device.Triplets) {
	b.tripletsGradTo(s, b.tripletOperands(s, in(0), 1, 0), out)
}

func (b *builder) tripletsGradTo(s device.Triplets, o tripletOperands, dx operand) {
	if s.Each() {
		b.launch("triplets_each_grad", blocks(s.N), slices.Concat(eachTriplet(s, o), []any{s.Swap && !s.Among, o.d, o.pos.from, o.neg.from, o.among}, o.rule, []any{o.up, dx})...)
		return
	}
	span := s.Spans()[device.TripletSum]
	b.launch("triplets_grad", blocks(s.N), s.M, span.From.At, span.To.At, btoi(span.From.Closed)|btoi(span.To.Closed)<<1,
		o.pos.pairs, o.neg.pairs, o.d, o.pos.from, o.neg.from, o.up, dx)
}

// tripletsPart is the gradient to d, added to g with add.
func (b *builder) tripletsPart(s device.Triplets, d operand, at, scratch int, g operand, add bool) {
	n := s.N * s.M
	if !add {
		b.tripletsGradTo(s, b.tripletOperands(s, d, at, scratch), g)
		return
	}
	b.work(scratch + n)
	b.tripletsGradTo(s, b.tripletOperands(s, d, at, scratch+n), work(scratch))
	b.launch("binary_flat", flat(n), n, 0, g, work(scratch), g)
}

func (b *builder) tripletsAmongGrad(s device.Triplets) {
	o := b.tripletOperands(s, in(0), 1, 0)
	b.launch("triplets_among_grad", blocks(s.M), slices.Concat(eachTriplet(s, o), []any{in(0), o.pos.from, o.neg.from, o.among}, o.rule, []any{o.up, out})...)
}

func eachTriplet(s device.Triplets, o tripletOperands) []any {
	sides := s.Rule.Sides
	if sides == (device.Sides{}) {
		sides = device.Sides{AP: -1, AN: 1}
	}
	weighted := btoi(s.Rule.Weighted && s.Pos.InMemory()) | btoi(s.Rule.Weighted && s.Neg.InMemory())<<1
	return []any{s.N, s.M, s.Margin, s.Above, s.AtMost, s.Low, s.High, s.Swap, s.Smooth, sides.AP, sides.AN, sides.PN, weighted, o.pos.pairs, o.neg.pairs}
}
