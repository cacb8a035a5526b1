package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	registerSeveral(softRanks[float32], softRanks[float64])
	registerSeveral(softRanksGrad[float32], softRanksGrad[float64])
}

func softRanks[T loops.Float](s spec.SoftRanks) func(out, in [][]T) {
	t := newAnchorTask[T](s.Of, s.Over, s.N, s.M)
	t.body = func(a *anchor[T], r int) {
		dst := t.out[0][r*s.M : (r+1)*s.M]
		clear(dst)
		for i, at := range a.first.at {
			var sum float64
			for _, v := range a.before(i, T(1/s.Temperature)) {
				sum += float64(v)
			}
			dst[at] = T(sum)
		}
	}
	return t.run
}

// before is of each entry of second how far it comes before entry i of first: between 0 and 1, and
// 0 for the entry itself.
func (a *anchor[T]) before(i int, inverse T) []T {
	x, own := a.scratch[:len(a.second.x)], a.first.x[i]
	for k, v := range a.second.x {
		x[k] = (own - v) * inverse
	}
	loops.Sigmoid(x, x)
	if k := a.second.find(a.first.at[i]); k >= 0 {
		x[k] = 0
	}
	return x
}

func softRanksGrad[T loops.Float](s spec.SoftRanksGrad) func(out, in [][]T) {
	t := newAnchorTask[T](s.Of, s.Over, s.N, s.M)
	inverse := T(1 / s.Temperature)
	t.body = func(a *anchor[T], r int) {
		dst, up := t.out[0][r*s.M:(r+1)*s.M], t.up[r*s.M:(r+1)*s.M]
		clear(dst)
		for i, at := range a.first.at {
			if up[at] == 0 {
				continue
			}
			var sum T
			for k, v := range a.before(i, inverse) {
				g := up[at] * inverse * v * (1 - v)
				dst[a.second.at[k]] -= g
				sum += g
			}
			dst[at] += sum
		}
	}
	return t.run
}
