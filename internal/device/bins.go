package device

import (
	"math"

	"medusa/internal/device/cpu"
)

// RowBins puts the entries of each row of x (Rows, Cols) where the mask is not 0 into Bins bins of
// one width that lie between Low and High. The result is (Rows, 2·Bins): the numbers of entries,
// and the sums over the entries of the part of the bin that lies below them. An entry counts as
// often as the mask says. What lies below Low is at the lower edge of the first bin, what lies
// above High at the upper edge of the last; a NaN is in the first bin, and its part is NaN.
type RowBins struct {
	Rows, Cols, Bins int
	Low, High        float64
	Mask             Mask
}

func (s RowBins) cpu() Kernel { return host(rowBins[float32](s), rowBins[float64](s)) }

func rowBins[T cpu.Float](s RowBins) func(out []T, in [][]T) {
	var x, out []T
	bins := newBinning[T](s.Low, s.High, s.Bins)
	mask := newMaskRows[T](s.Mask, s.Rows, s.Cols)
	rows := newEachRow(s.Rows, s.Cols, s.Cols, func(r int, scratch []T) {
		numbers, parts := bins.result(out, r)
		row := x[r*s.Cols : (r+1)*s.Cols]
		for j, times := range mask.row(r, scratch) {
			if times != 0 {
				at, part := bins.of(row[j])
				numbers[at] += times
				parts[at] += times * part
			}
		}
	})
	return func(o []T, in [][]T) {
		x, out = in[0], o
		clear(out)
		mask.begin(in[1:])
		rows.run()
	}
}

// RowBinsGrad computes the gradient to x from x, the mask's inputs and the gradient to the result
// of RowBins, of which the parts count.
type RowBinsGrad RowBins

func (s RowBinsGrad) cpu() Kernel { return host(rowBinsGrad[float32](s), rowBinsGrad[float64](s)) }

func rowBinsGrad[T cpu.Float](s RowBinsGrad) func(out []T, in [][]T) {
	var x, up []T
	bins := newBinning[T](s.Low, s.High, s.Bins)
	mask := newMaskRows[T](s.Mask, s.Rows, s.Cols)
	begin := func(matrix []T, in [][]T) { x, up = matrix, mask.begin(in)[0] }
	return kernelOfRows(s.Rows, s.Cols, rowMaker[T]{begin, func(dst []T, r int, scratch []T) {
		_, slopes := bins.result(up, r)
		row := x[r*s.Cols : (r+1)*s.Cols]
		for j, times := range mask.row(r, scratch) {
			dst[j] = 0
			if times != 0 && bins.inside(row[j]) {
				at, _ := bins.of(row[j])
				dst[j] = times * bins.scale * slopes[at]
			}
		}
	}})
}

// TripletBins is RowBins of the differences D_ap − D_an of the triplets (a, p, n) of each anchor,
// of distances d (N, M) with pos[a,p], neg[a,n] and Above < D_an − D_ap ≤ AtMost; −∞ is no bound.
type TripletBins struct {
	N, M, Bins    int
	Low, High     float64
	Above, AtMost float64
	Pos, Neg      Mask
}

func (s TripletBins) cpu() Kernel { return host(tripletBins[float32](s), tripletBins[float64](s)) }

func tripletBins[T cpu.Float](s TripletBins) func(out []T, in [][]T) {
	bins, within := newBinning[T](s.Low, s.High, s.Bins), newTripletWindow[T](s)
	t := newAnchorTask[T](s.Pos, s.Neg, s.N, s.M)
	t.body = func(a *anchor[T], r int) {
		sums := a.zeros(2 * s.Bins)
		for _, ap := range a.first.x {
			for _, an := range a.second.x {
				if within.holds(an - ap) {
					at, part := bins.of(ap - an)
					sums[at]++
					sums[s.Bins+at] += float64(part)
				}
			}
		}
		for i, v := range sums {
			t.out[2*s.Bins*r+i] = T(v)
		}
	}
	return t.run
}

// TripletBinsGrad computes the gradient to d from the inputs of TripletBins and the gradient to its
// result, of which the parts count.
type TripletBinsGrad TripletBins

func (s TripletBinsGrad) cpu() Kernel {
	return host(tripletBinsGrad[float32](s), tripletBinsGrad[float64](s))
}

func tripletBinsGrad[T cpu.Float](s TripletBinsGrad) func(out []T, in [][]T) {
	bins, within := newBinning[T](s.Low, s.High, s.Bins), newTripletWindow[T](TripletBins(s))
	t := newAnchorTask[T](s.Pos, s.Neg, s.N, s.M)
	t.body = func(a *anchor[T], r int) {
		_, slopes := bins.result(t.up, r)
		dst := t.out[r*s.M : (r+1)*s.M]
		clear(dst)
		for i, ap := range a.first.x {
			var sum T
			for k, an := range a.second.x {
				if within.holds(an-ap) && bins.inside(ap-an) {
					at, _ := bins.of(ap - an)
					g := bins.scale * slopes[at]
					dst[a.second.at[k]] -= g
					sum += g
				}
			}
			dst[a.first.at[i]] += sum
		}
	}
	return t.run
}

// binning says in which of count bins a number lies.
type binning[T cpu.Float] struct {
	low, scale T // the lower edge of the first bin, and 1 over the width of each
	count      int
}

func newBinning[T cpu.Float](low, high float64, count int) binning[T] {
	return binning[T]{T(low), T(BinScale(low, high, count)), count}
}

// BinScale is 1 over the width of a bin.
func BinScale(low, high float64, count int) float64 { return float64(count) / (high - low) }

// of is the bin of x, and the part of it that lies below x.
func (b binning[T]) of(x T) (at int, part T) {
	t := (x - b.low) * b.scale
	switch {
	case t != t:
		return 0, t
	case t <= 0:
		return 0, 0
	case t >= T(b.count):
		return b.count - 1, 1
	}
	at = int(t)
	return at, t - T(at)
}

// inside reports whether x lies between the edges of the first and the last bin, so that its part
// moves with it.
func (b binning[T]) inside(x T) bool {
	t := (x - b.low) * b.scale
	return t > 0 && t < T(b.count)
}

// result is the numbers and the parts of row r.
func (b binning[T]) result(of []T, r int) (numbers, parts []T) {
	at := 2 * b.count * r
	return of[at : at+b.count], of[at+b.count : at+2*b.count]
}

// tripletWindow holds the differences D_an − D_ap of a window. A NaN is held: it must not be passed
// over.
type tripletWindow[T cpu.Float] struct{ above, atMost T }

// newTripletWindow is the window of s; what is no bound is NaN, which nothing is beyond.
func newTripletWindow[T cpu.Float](s TripletBins) tripletWindow[T] {
	w := tripletWindow[T]{T(s.Above), T(s.AtMost)}
	if math.IsInf(s.Above, -1) {
		w.above = T(math.NaN())
	}
	return w
}

func (w tripletWindow[T]) holds(diff T) bool { return !(diff <= w.above) && !(diff > w.atMost) }
