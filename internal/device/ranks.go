package device

import "medusa/internal/device/cpu"

// SoftRanks computes, from distances d (N, M) and the masks of and over (N, M),
//
//	y[a,i] = Σ over j ≠ i with over[a,j] of σ((d[a,i] − d[a,j])/Temperature)
//
// where of[a,i] is set and 0 elsewhere: about how many entries of over are nearer to the anchor a
// than i is. σ is the logistic function. A row takes time in proportion to the product of its
// numbers of entries, and O(M) memory.
type SoftRanks struct {
	N, M        int
	Temperature float64
	Of, Over    Mask
}

func (s SoftRanks) cpu() Kernel { return host(softRanks[float32](s), softRanks[float64](s)) }

func softRanks[T cpu.Float](s SoftRanks) func(out []T, in [][]T) {
	t := newAnchorTask[T](s.Of, s.Over, s.N, s.M)
	t.body = func(a *anchor[T], r int) {
		dst := t.out[r*s.M : (r+1)*s.M]
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
	cpu.Sigmoid(x, x)
	if k := a.second.find(a.first.at[i]); k >= 0 {
		x[k] = 0
	}
	return x
}

// SoftRanksGrad computes the gradient to d from the inputs of SoftRanks and the gradient to its
// result.
type SoftRanksGrad SoftRanks

func (s SoftRanksGrad) cpu() Kernel {
	return host(softRanksGrad[float32](s), softRanksGrad[float64](s))
}

func softRanksGrad[T cpu.Float](s SoftRanksGrad) func(out []T, in [][]T) {
	t := newAnchorTask[T](s.Of, s.Over, s.N, s.M)
	inverse := T(1 / s.Temperature)
	t.body = func(a *anchor[T], r int) {
		dst, up := t.out[r*s.M:(r+1)*s.M], t.up[r*s.M:(r+1)*s.M]
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
