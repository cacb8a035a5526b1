package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	register(groupMax[float32], groupMax[float64])
	register(groupMaxGrad[float32], groupMaxGrad[float64])
	register(groupSoftMax[float32], groupSoftMax[float64])
	register(groupSoftMaxGrad[float32], groupSoftMaxGrad[float64])
}

func groupMax[T loops.Float](s spec.GroupMax) func(out []T, in [][]T) {
	var x, out []T
	body := func(lo, hi int) {
		for i := lo; i < hi; i++ {
			out[i] = largestOf(x[i*s.Size : (i+1)*s.Size])
		}
	}
	return func(o []T, in [][]T) {
		x, out = in[0], o
		loops.Parallel(s.Groups, rowGrain(s.Size), body)
	}
}

// largestOf is the largest number of a group, NaN if one is NaN.
func largestOf[T loops.Float](group []T) T {
	most := group[0]
	for _, v := range group[1:] {
		most = max(most, v)
	}
	return most
}

func groupMaxGrad[T loops.Float](s spec.GroupMaxGrad) func(out []T, in [][]T) {
	var x, y, dy, dx []T
	body := func(lo, hi int) {
		clear(dx[lo*s.Size : hi*s.Size])
		for i := lo; i < hi; i++ {
			dx[i*s.Size+firstOfGroup(x[i*s.Size:(i+1)*s.Size], y[i])] = dy[i]
		}
	}
	return func(out []T, in [][]T) {
		x, y, dy, dx = in[0], in[1], in[2], out
		loops.Parallel(s.Groups, rowGrain(s.Size), body)
	}
}

// firstOfGroup is the first place of most, a number of the group or NaN. The loop has no branch that
// depends on the numbers: which one is the largest is hard to predict.
func firstOfGroup[T loops.Float](group []T, most T) int {
	at := 0
	if most != most {
		for group[at] == group[at] {
			at++
		}
		return at
	}
	for i := len(group) - 1; i >= 0; i-- {
		if group[i] == most {
			at = i
		}
	}
	return at
}

func groupSoftMax[T loops.Float](s spec.GroupSoftMax) func(out []T, in [][]T) {
	var x, out []T
	chunks := newGroupPowers(s, func(from int, powers []T) {
		for i := from; len(powers) > 0; i++ {
			e, group := powers[:s.Size], x[i*s.Size:(i+1)*s.Size]
			out[i] = T(weighedSum(e, group) / groupSum(e))
			powers = powers[s.Size:]
		}
	})
	return func(o []T, in [][]T) {
		x, out = in[0], o
		chunks.x = x
		chunks.rows.run()
	}
}

func groupSoftMaxGrad[T loops.Float](s spec.GroupSoftMaxGrad) func(out []T, in [][]T) {
	var x, y, dy, dx []T
	k := T(1 / s.Temperature)
	chunks := newGroupPowers(spec.GroupSoftMax(s), func(from int, powers []T) {
		for i := from; len(powers) > 0; i++ {
			e, group, grads := powers[:s.Size], x[i*s.Size:(i+1)*s.Size], dx[i*s.Size:(i+1)*s.Size]
			scale, mean := T(float64(dy[i])/groupSum(e)), y[i]
			for j, v := range group {
				grads[j] = scale * e[j] * (1 + T(k*(v-mean)))
			}
			powers = powers[s.Size:]
		}
	})
	return func(out []T, in [][]T) {
		x, y, dy, dx = in[0], in[1], in[2], out
		chunks.x = x
		chunks.rows.run()
	}
}

// groupSum is Σ e, in two sums that do not wait for each other.
func groupSum[T loops.Float](e []T) float64 {
	var even, odd float64
	for len(e) >= 2 {
		even, odd = even+float64(e[0]), odd+float64(e[1])
		e = e[2:]
	}
	if len(e) > 0 {
		even += float64(e[0])
	}
	return even + odd
}

// weighedSum is Σ e·x, as groupSum.
func weighedSum[T loops.Float](e, x []T) float64 {
	var even, odd float64
	for len(e) >= 2 && len(x) >= 2 {
		even += float64(e[0]) * float64(x[0])
		odd += float64(e[1]) * float64(x[1])
		e, x = e[2:], x[2:]
	}
	if len(e) > 0 {
		even += float64(e[0]) * float64(x[0])
	}
	return even + odd
}

// groupPowers raises e to the numbers of whole groups, so many at once that a vector of them is
// worth it.
type groupPowers[T loops.Float] struct {
	x    []T
	rows *eachRow[T]
}

const (
	groupChunk = 1024 // about how many numbers are raised at once
	groupRange = 60   // exponents that lie no farther apart are taken less one number, without loss
)

// newGroupPowers calls body with e^((x − m)/Temperature) of the groups from one on, where m is the
// largest number of the group, or one of them all if they lie so near to each other that no power of
// it is too small for a number.
func newGroupPowers[T loops.Float](s spec.GroupSoftMax, body func(from int, powers []T)) *groupPowers[T] {
	p := &groupPowers[T]{}
	step := max(1, groupChunk/s.Size)
	k := T(1 / s.Temperature)
	ones := onesOf[T](step * s.Size)
	p.rows = newEachRow((s.Groups+step-1)/step, step*s.Size, step*s.Size, func(r int, scratch []T) {
		from, to := r*step, min((r+1)*step, s.Groups)
		x := p.x[from*s.Size : to*s.Size]
		powers := scratch[:len(x)]
		most, finite := loops.Extreme(x, ones[:len(x)], true)
		least, _ := loops.Extreme(x, ones[:len(x)], false)
		if finite && k*(most-least) <= groupRange {
			loops.Affine(powers, x, 1, -most)
			loops.Affine(powers, powers, k, 0)
		} else {
			belowLargest(powers, x, s.Size, k)
		}
		loops.Exp(powers, powers)
		body(from, powers)
	})
	return p
}

// belowLargest is k·(x − m) of each group, where m is its largest number.
func belowLargest[T loops.Float](dst, x []T, size int, k T) {
	for i := 0; i < len(x); i += size {
		group := x[i : i+size]
		most := largestOf(group)
		for j, v := range group {
			dst[i+j] = (v - most) * k
		}
	}
}
