package cpu

import (
	"math"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	registerSeveral(rowBins[float32], rowBins[float64])
	register(rowBinsGrad[float32], rowBinsGrad[float64])
	registerSeveral(tripletBins[float32], tripletBins[float64])
	registerSeveral(tripletBinsGrad[float32], tripletBinsGrad[float64])
}

func rowBins[T loops.Float](s spec.RowBins) func(out, in [][]T) {
	var x, parts, numbers []T
	bins := newBinning[T](s.Low, s.High, s.Bins)
	mask := newMaskRows[T](s.Mask, s.Rows, s.Cols)
	rows := newEachRow(s.Rows, s.Cols, s.Cols, func(r int, scratch []T) {
		row, first := x[r*s.Cols:(r+1)*s.Cols], r*s.Bins
		for j, times := range mask.row(r, scratch) {
			if times == 0 {
				continue
			}
			at, part := bins.of(row[j])
			parts[first+at] += times * part
			if numbers != nil {
				numbers[first+at] += times
			}
		}
	})
	return func(out, in [][]T) {
		x, parts, numbers = in[0], out[0], out[1]
		clear(parts)
		clear(numbers)
		mask.begin(in[1:])
		rows.run()
	}
}

func rowBinsGrad[T loops.Float](s spec.RowBinsGrad) func(out []T, in [][]T) {
	var x, up []T
	bins := newBinning[T](s.Low, s.High, s.Bins)
	mask := newMaskRows[T](s.Mask, s.Rows, s.Cols)
	begin := func(matrix []T, in [][]T) { x, up = matrix, mask.begin(in)[0] }
	return kernelOfRows(s.Rows, s.Cols, rowMaker[T]{begin, func(dst []T, r int, scratch []T) {
		slopes := up[r*s.Bins : (r+1)*s.Bins]
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

func tripletBins[T loops.Float](s spec.TripletBins) func(out, in [][]T) {
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
		for i := range s.Bins {
			putAt(t.out[1], r*s.Bins+i, T(sums[i]))
			t.out[0][r*s.Bins+i] = T(sums[s.Bins+i])
		}
	}
	return t.run
}

func tripletBinsGrad[T loops.Float](s spec.TripletBinsGrad) func(out, in [][]T) {
	bins, within := newBinning[T](s.Low, s.High, s.Bins), newTripletWindow[T](spec.TripletBins(s))
	t := newAnchorTask[T](s.Pos, s.Neg, s.N, s.M)
	t.body = func(a *anchor[T], r int) {
		slopes := t.up[r*s.Bins : (r+1)*s.Bins]
		dst := t.out[0][r*s.M : (r+1)*s.M]
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
type binning[T loops.Float] struct {
	low, scale T // the lower edge of the first bin, and 1 over the width of each
	count      int
}

func newBinning[T loops.Float](low, high float64, count int) binning[T] {
	return binning[T]{T(low), T(spec.BinScale(low, high, count)), count}
}

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

// tripletWindow holds the differences D_an − D_ap of a window. A NaN is held: it must not be passed
// over.
type tripletWindow[T loops.Float] struct{ above, atMost T }

// newTripletWindow is the window of s; what is no bound is NaN, which nothing is beyond.
func newTripletWindow[T loops.Float](s spec.TripletBins) tripletWindow[T] {
	w := tripletWindow[T]{T(s.Above), T(s.AtMost)}
	if math.IsInf(s.Above, -1) {
		w.above = T(math.NaN())
	}
	return w
}

func (w tripletWindow[T]) holds(diff T) bool { return !(diff <= w.above) && !(diff > w.atMost) }
