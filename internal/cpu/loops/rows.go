package loops

import "math"

// Functions of a row with a mask: an entry counts where mask is not 0.

// Where computes dst = x, and other where mask is 0.
func Where[T Float](dst, x, mask []T, other T) {
	x, mask = x[:len(dst)], mask[:len(dst)]
	if f := active.simd.where; f != nil && isSingle[T]() {
		f(single(dst), single(x), single(mask), len(dst), float32(other))
		return
	}
	for i, v := range x {
		if mask[i] == 0 {
			v = other
		}
		dst[i] = v
	}
}

// ExpWhere computes dst = e^(k·x − c), and 0 where mask is 0.
func ExpWhere[T Float](dst, x, mask []T, k, c T) {
	x, mask = x[:len(dst)], mask[:len(dst)]
	if f := active.simd.expWhere; f != nil && isSingle[T]() {
		f(single(dst), single(x), single(mask), len(dst), float32(k), float32(c))
		return
	}
	for i, v := range x {
		dst[i] = 0
		if mask[i] != 0 {
			dst[i] = T(math.Exp(float64(T(k*v) - c)))
		}
	}
}

// Between computes dst = k where low < x < high and mask is not 0, else 0. A NaN lies
// between any numbers, and a bound that is NaN is none. dst may be the mask.
func Between[T Float](dst, x, mask []T, k, low, high T) {
	x, mask = x[:len(dst)], mask[:len(dst)]
	if f := active.simd.between; f != nil && isSingle[T]() {
		f(single(dst), single(x), single(mask), len(dst), float32(k), float32(low), float32(high))
		return
	}
	for i, v := range x {
		within := !(v <= low) && !(v >= high) && mask[i] != 0
		dst[i] = 0
		if within {
			dst[i] = k
		}
	}
}

// TermSums is Σ x and the number of the x with low < x < high where mask is not 0, added
// in float64. A NaN lies between any numbers, so that the sum tells of it, and a bound that
// is NaN is none.
func TermSums[T Float](x, mask []T, low, high T) (sum, count float64) {
	mask = mask[:len(x)]
	if len(x) == 1 { // as of a loss with one term of each row
		if v := x[0]; !(v <= low) && !(v >= high) && mask[0] != 0 {
			return 0 + float64(v), 1 // not −0, as of no sum
		}
		return 0, 0
	}
	var l lanePair
	if active.simd.sums && isSingle[T]() {
		termLanes(&l[0][0], single(x), single(mask), len(x), float32(low), float32(high))
		return l[0].total(), l[1].total()
	}
	for i, v := range x {
		if !(v <= low) && !(v >= high) && mask[i] != 0 {
			l[0][i%16] += float64(v)
			l[1][i%16]++
		}
	}
	return l[0].total(), l[1].total()
}

// HingeSums is TermSums of the terms max(0, k·x + c).
func HingeSums[T Float](x, mask []T, k, c, low, high T) (sum, count float64) {
	var l lanePair
	mask = mask[:len(x)]
	if active.simd.sums && isSingle[T]() {
		hingeLanes(&l[0][0], single(x), single(mask), len(x), float32(k), float32(c), float32(low), float32(high))
		return l[0].total(), l[1].total()
	}
	for i, v := range x {
		t := max(T(k*v)+c, 0)
		if !(t <= low) && !(t >= high) && mask[i] != 0 {
			l[0][i%16] += float64(t)
			l[1][i%16]++
		}
	}
	return l[0].total(), l[1].total()
}

// SquareSums is TermSums of the terms max(0, k·x + c)².
func SquareSums[T Float](x, mask []T, k, c, low, high T) (sum, count float64) {
	var l lanePair
	mask = mask[:len(x)]
	if active.simd.sums && isSingle[T]() {
		squareLanes(&l[0][0], single(x), single(mask), len(x), float32(k), float32(c), float32(low), float32(high))
		return l[0].total(), l[1].total()
	}
	for i, v := range x {
		h := max(T(k*v)+c, 0)
		t := T(h * h)
		if !(t <= low) && !(t >= high) && mask[i] != 0 {
			l[0][i%16] += float64(t)
			l[1][i%16]++
		}
	}
	return l[0].total(), l[1].total()
}

// HingeBetween is Between of the terms t = max(0, k·x + c): dst = up where low < t < high.
func HingeBetween[T Float](dst, x, mask []T, up, k, c, low, high T) {
	x, mask = x[:len(dst)], mask[:len(dst)]
	if f := active.simd.hingeBetween; f != nil && isSingle[T]() {
		f(single(dst), single(x), single(mask), len(dst), float32(up), float32(k), float32(c), float32(low), float32(high))
		return
	}
	for i, v := range x {
		t := max(T(k*v)+c, 0)
		dst[i] = 0
		if !(t <= low) && !(t >= high) && mask[i] != 0 {
			dst[i] = up
		}
	}
}

// SquareBetween computes dst = up·h where low < h² < high and mask is not 0, else 0, of the hinges
// h = max(0, k·x + c).
func SquareBetween[T Float](dst, x, mask []T, up, k, c, low, high T) {
	x, mask = x[:len(dst)], mask[:len(dst)]
	if f := active.simd.squareBetween; f != nil && isSingle[T]() {
		f(single(dst), single(x), single(mask), len(dst), float32(up), float32(k), float32(c), float32(low), float32(high))
		return
	}
	for i, v := range x {
		h := max(T(k*v)+c, 0)
		t := T(h * h)
		dst[i] = 0
		if !(t <= low) && !(t >= high) && mask[i] != 0 {
			dst[i] = up * h
		}
	}
}

// Extreme is the largest x, or the smallest, where mask is not 0, and ∓∞ if there is
// none. It is not to be used if finite is false: then such an x may be NaN or infinite.
func Extreme[T Float](x, mask []T, largest bool) (best T, finite bool) {
	mask = mask[:len(x)]
	best = T(math.Inf(1))
	if largest {
		best = -best
	}
	if active.simd.sums && isSingle[T]() {
		var l [32]float32
		for i := range 16 {
			l[i] = float32(best)
		}
		extremeLanes(&l[0], single(x), single(mask), len(x), largest)
		var spoilt float32
		top := l[0]
		for i := range 16 {
			if largest {
				top = max(top, l[i])
			} else {
				top = min(top, l[i])
			}
			spoilt += l[16+i]
		}
		return T(top), spoilt == 0
	}
	var spoilt T
	for i, v := range x {
		if mask[i] == 0 {
			continue
		}
		spoilt += v * 0
		if largest && v > best || !largest && v < best {
			best = v
		}
	}
	return best, spoilt == 0
}

// Finite reports whether all of x are.
func Finite[T Float](x []T) bool {
	_, finite := Extreme(x, x, true)
	return finite
}

// Hinge computes dst = max(0, k·x + c); a NaN stays.
func Hinge[T Float](dst, x []T, k, c T) {
	x = x[:len(dst)]
	if f := active.simd.hinge; f != nil && isSingle[T]() {
		f(single(dst), single(x), len(dst), float32(k), float32(c))
		return
	}
	for i, v := range x {
		dst[i] = max(T(k*v)+c, 0)
	}
}

// HingeGrad computes dst = k·dy, and 0 where y ≤ 0.
func HingeGrad[T Float](dst, y, dy []T, k T) {
	y, dy = y[:len(dst)], dy[:len(dst)]
	if f := active.simd.hingeGrad; f != nil && isSingle[T]() {
		f(single(dst), single(y), single(dy), len(dst), float32(k))
		return
	}
	for i, g := range dy {
		dst[i] = gate(y[i], k*g)
	}
}

// A Span is the numbers d with From ≤ d < To. A To that is NaN is no bound; a NaN lies in
// no span.
type Span struct{ From, To float32 }

// Sum is Σ (margin − d) over the d = x − at within the span, and their number. Sums of up
// to 128 terms are made in float32, and these added in float64.
func (s Span) Sum(x []float32, at, margin float32) (sum float64, count int) {
	const most = 2048
	for len(x) > 0 {
		part := x[:min(most, len(x))]
		x = x[len(part):]
		var l [16]float32
		if active.simd.sums {
			count += spanLanes(&l[0], single(part), len(part), at, margin, s.From, s.To)
		} else {
			for i, v := range part {
				if d := v - at; d >= s.From && !(d >= s.To) {
					l[i%16] += margin - d
					count++
				}
			}
		}
		for _, v := range l {
			sum += float64(v)
		}
	}
	return sum, count
}

// AddGrad adds k to dst where x − at lies within the span.
func (s Span) AddGrad(dst, x []float32, k, at float32) {
	x = x[:len(dst)]
	if f := active.simd.spanGrad; f != nil {
		f(single(dst), single(x), len(dst), k, at, s.From, s.To)
		return
	}
	for i, v := range x {
		if d := v - at; d >= s.From && !(d >= s.To) {
			dst[i] += k
		}
	}
}

// Marked appends the places where mask is not 0 to where; most of mask is 0.
func Marked[T Float](where []int32, mask []T) []int32 {
	i := 0
	for ; i+8 <= len(mask); i += 8 {
		m := mask[i : i+8]
		if m[0] == 0 && m[1] == 0 && m[2] == 0 && m[3] == 0 && m[4] == 0 && m[5] == 0 && m[6] == 0 && m[7] == 0 {
			continue
		}
		for j, v := range m {
			if v != 0 {
				where = append(where, int32(i+j))
			}
		}
	}
	for ; i < len(mask); i++ {
		if mask[i] != 0 {
			where = append(where, int32(i))
		}
	}
	return where
}

// SkipAbove tells how many elements of x + y, from the first on, are above the limit. A NaN is not above.
func SkipAbove(x, y []float32, limit float32) int {
	y = y[:len(x)]
	from := 0
	if f := active.simd.skipAbove; f != nil {
		from = f(single(x), single(y), len(x), limit) // but for what is left of a vector
	}
	for i, v := range x[from:] {
		if !(v+y[from+i] > limit) {
			return from + i
		}
	}
	return len(x)
}

// FirstEqual is the first place where x is v and mask is not 0, or −1. scratch is memory of
// x's length.
func FirstEqual[T Float](x, mask []T, v T, scratch []T) int {
	if !isSingle[T]() || active.simd.equals == nil {
		for i, w := range x {
			if w == v && mask[i] != 0 {
				return i
			}
		}
		return -1
	}
	scratch = scratch[:len(x)]
	Equals(scratch, x, v)
	Affine(scratch, scratch, -1, 0)
	Where(scratch, scratch, mask, 0) // else places that do not count, if many are equal, would be looked at one by one
	if i := NextMarked(singles(scratch), 0); i < len(x) {
		return i
	}
	return -1
}
