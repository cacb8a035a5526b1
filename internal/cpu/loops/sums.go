package loops

// lanes are sums in the making. They are made in float64 and in a fixed order, the same
// for every instruction set: element i of a slice goes to lane i mod 16, and at the end the
// lanes are added up as a tree.
type lanes [16]float64

// total adds the lanes up: halves onto halves, down to one. Written out it takes a third of the time of a loop, which
// counts where rows are short.
func (l *lanes) total() float64 {
	a, b, c, d := l[0]+l[8], l[1]+l[9], l[2]+l[10], l[3]+l[11]
	e, f, g, h := l[4]+l[12], l[5]+l[13], l[6]+l[14], l[7]+l[15]
	a, b, c, d = a+e, b+f, c+g, d+h
	return (a + c) + (b + d)
}

// Sum is Σ x, summed in float64.
func Sum[T Float](x []T) float64 {
	var l lanes
	addSum(&l, x)
	return l.total()
}

// SumAt is the Sum of a row that holds x in the columns at, in ascending order, and 0 elsewhere: the same number, to
// the last bit.
func SumAt[T Float](x []T, at []int32) float64 {
	var l lanes
	for k, j := range at {
		l[j%16] += float64(x[k])
	}
	return l.total()
}

// addSum adds x to the lanes.
func addSum[T Float](l *lanes, x []T) {
	if active.simd.sums && isSingle[T]() && len(x) >= worthwhile {
		sumLanes(&l[0], single(x), len(x))
		return
	}
	for i, v := range x {
		l[i%16] += float64(v)
	}
}

// Dot is Σ x·y, summed in float64.
func Dot[T Float](x, y []T) float64 {
	var l lanes
	y = y[:len(x)]
	if active.simd.sums && isSingle[T]() {
		dotLanes(&l[0], single(x), single(y), len(x))
		return l.total()
	}
	for i, v := range x {
		l[i%16] += float64(float64(v) * float64(y[i]))
	}
	return l.total()
}

// worthwhile is from how many elements on the assembly pays.
const worthwhile = 6

// lanePair is two sums made at once.
type lanePair [2]lanes

// addDeviations adds Σ (x − from) and Σ (x − from)².
func addDeviations[T Float](l *lanePair, x []T, from T) {
	if active.simd.sums && isSingle[T]() && len(x) >= worthwhile {
		deviationsLanes(&l[0][0], single(x), len(x), float32(from))
		return
	}
	for i, v := range x {
		u := float64(v) - float64(from)
		l[0][i%16] += u
		l[1][i%16] += float64(u * u)
	}
}

// addNormalizeSums adds Σ dy and Σ dy·(x − mean).
func addNormalizeSums[T Float](l *lanePair, x, dy []T, mean T) {
	dy = dy[:len(x)]
	if active.simd.sums && isSingle[T]() && len(x) >= worthwhile {
		normalizeSumsLanes(&l[0][0], single(x), single(dy), len(x), float32(mean))
		return
	}
	for i, v := range x {
		d, u := float64(dy[i]), float64(T(v-mean))
		l[0][i%16] += d
		l[1][i%16] += float64(d * u)
	}
}

// addNormalizeReluSums does the same for the elements where (x − mean)·scale + shift is
// above zero, or NaN.
func addNormalizeReluSums[T Float](l *lanePair, x, dy []T, mean, scale, shift T) {
	dy = dy[:len(x)]
	if active.simd.sums && isSingle[T]() && len(x) >= worthwhile {
		normalizeReluSumsLanes(&l[0][0], single(x), single(dy), len(x), float32(mean), float32(scale), float32(shift))
		return
	}
	for i, v := range x {
		u := T(v - mean)
		out := T(u*scale) + shift
		d := float64(gate(out, dy[i]))
		l[0][i%16] += d
		l[1][i%16] += float64(d * float64(gate(out, u)))
	}
}
