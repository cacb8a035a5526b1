package gpu

import (
	"slices"

	"medusa/internal/device"
)

// metrics are those of pairs.cu, in the order of its numbers.
var metrics = []device.Metric{device.Euclidean, device.SquaredEuclidean, device.Manhattan, device.SNR, device.Dot}

func pairsNumber(p device.Pairs) int {
	return slices.Index([]device.Pairs{device.Given, device.Positive, device.Negative}, p)
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
	if s.Metric == device.SNR {
		b.work(2 * (s.N + s.M))
		b.moments(s, in(0), y, 0)
		b.launch("snr", flat(s.N*s.M), s.N, s.M, s.D, in(0), y, work(0), work(2*s.N), out)
		return true
	}
	b.launch("distances", tiles(s.N, s.M, 1), m, s.N, s.M, s.D, in(0), y, out)
	return true
}

func (b *builder) distanceGrad(s device.DistanceGrad) bool {
	m := slices.Index(metrics, s.Metric)
	if m < 0 || s.Self {
		return false
	}
	if s.Metric == device.SNR {
		b.work(2 * (s.N + s.M))
		b.moments(s.Distance, in(0), in(1), 0)
		b.snrGrad(s.Distance, s.ToY, false, in(1), in(2), in(3), 0)
		return true
	}
	if s.ToY {
		b.launch("distances_grad", tiles(s.M, s.D, 1), m, s.M, s.N, s.D, 1, s.M, false, in(1), in(0), in(2), in(3), out)
	} else {
		b.launch("distances_grad", tiles(s.N, s.D, 1), m, s.N, s.M, s.D, s.M, 1, false, in(0), in(1), in(2), in(3), out)
	}
	return true
}

// pairGrad makes the sum of the parts in the workspace and pulls the rows by it.
func (b *builder) pairGrad(s device.PairGrad) bool {
	m := slices.Index(metrics, s.Metric)
	if m < 0 {
		return false
	}
	n := s.N * s.N
	b.work(n + 4*s.N)
	at, g := 2, work(0)
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
				at++
			case device.TermsPart:
				b.rowTermsGrad(p.Terms, in(1), in(at), in(at+1), g, i > 0)
				at += 2
			case device.ReducePart:
				b.rowReduceGrad(p.Reduce, in(1), in(at), in(at+1), in(at+2), g, i > 0)
				at += 3
			}
		}
	}
	if s.Metric == device.SNR { // which is not symmetric
		b.moments(s.Distance, in(0), in(0), n)
		b.snrGrad(s.Distance, false, false, in(0), in(1), g, n)
		b.snrGrad(s.Distance, true, true, in(0), in(1), g, n)
		return true
	}
	b.launch("distances_grad", tiles(s.N, s.D, 1), m, s.N, s.N, s.D, s.N, 1, true, in(0), in(0), in(1), g, out)
	return true
}

// moments puts those of x and y into the workspace.
func (b *builder) moments(s device.Distance, x, y operand, at int) {
	b.launch("row_moments", blocks(s.N), s.D, x, work(at))
	b.launch("row_moments", blocks(s.M), s.D, y, work(at+2*s.N))
}

// snrGrad is the gradient to input 0, or to y with toY, given moments.
func (b *builder) snrGrad(s device.Distance, toY, add bool, y, d, g operand, at int) {
	rows := s.N
	if toY {
		rows = s.M
	}
	b.launch("snr_grad", flat(rows*s.D), s.N, s.M, s.D, toY, add, in(0), y, work(at), work(at+2*s.N), d, g, out)
}

func (b *builder) rowTermsGrad(s device.RowTermsGrad, x, mask, up, dx operand, add bool) {
	n := s.Rows * s.Cols
	b.launch("row_terms_grad", flat(n), n, divisor(s.Cols), pairsNumber(s.Pairs), s.Hinge, f32(s.K), f32(s.C), f32(s.Low), f32(s.High), add, x, mask, up, dx)
}

func (b *builder) rowReduce(s device.RowReduce) {
	if s.Op == device.RowLogSumExp {
		b.launch("row_logsumexp", blocks(s.Rows), s.Cols, pairsNumber(s.Pairs), f32(s.K), f32(s.Empty), in(0), in(1), out)
		return
	}
	b.launch("row_extreme", blocks(s.Rows), s.Cols, pairsNumber(s.Pairs), btoi(s.Op == device.RowMin), f32(s.Empty), in(0), in(1), out)
}

func (b *builder) rowReduceGrad(s device.RowReduceGrad, x, mask, y, dy, dx operand, add bool) {
	n := s.Rows * s.Cols
	if s.Op == device.RowLogSumExp {
		b.launch("row_logsumexp_grad", blocks(s.Rows), s.Cols, pairsNumber(s.Pairs), f32(s.K), add, x, mask, y, dy, dx)
		return
	}
	b.launch("row_extreme_grad", flat(n), n, divisor(s.Cols), add, y, dy, dx)
}

func (b *builder) triplets(s device.Triplets) {
	if s.Swap || s.Smooth {
		b.launch("triplets_each", blocks(s.N), b.eachTriplet(s, in(0), in(1), in(2), out)...)
		return
	}
	args := []any{s.N, s.Margin}
	closed := 0
	for i, span := range s.Spans() {
		args = append(args, span.From.At, span.To.At)
		closed |= btoi(span.From.Closed)<<(2*i) | btoi(span.To.Closed)<<(2*i+1)
	}
	b.launch("triplets", blocks(s.N), append(args, closed, pairsNumber(s.Pos), pairsNumber(s.Neg), in(0), in(1), in(2), out)...)
}

func (b *builder) tripletsGrad(s device.Triplets) {
	if s.Swap || s.Smooth {
		b.launch("triplets_each_grad", blocks(s.N), b.eachTriplet(s, in(0), in(1), in(2), in(3), out)...)
		return
	}
	span := s.Spans()[device.TripletSum]
	b.launch("triplets_grad", blocks(s.N), s.N, span.From.At, span.To.At, btoi(span.From.Closed)|btoi(span.To.Closed)<<1,
		pairsNumber(s.Pos), pairsNumber(s.Neg), in(0), in(1), in(2), in(3), out)
}

func (b *builder) eachTriplet(s device.Triplets, operands ...any) []any {
	return append([]any{s.N, s.Margin, s.Above, s.AtMost, s.Low, s.High, s.Swap, s.Smooth, pairsNumber(s.Pos), pairsNumber(s.Neg)}, operands...)
}
