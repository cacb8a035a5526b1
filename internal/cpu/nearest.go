package cpu

import (
	"cmp"
	"math"
	"slices"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	register(rowKth[float32], rowKth[float64])
}

func rowKth[T loops.Float](s spec.RowKth) func(out []T, in [][]T) {
	var x, out []T
	mask := newMaskRows[T](s.Mask, s.Rows, s.Cols)
	rows := newEachRow(s.Rows, s.Cols, 2*s.Cols, func(r int, scratch []T) {
		chosen := mask.row(r, scratch)
		smallest, count := smallestOf(x[r*s.Cols:(r+1)*s.Cols], chosen, s.K, scratch[s.Cols:s.Cols])
		switch {
		case count <= s.K:
			out[r] = T(math.Inf(1))
		case smallest[s.K-1] != smallest[s.K-1]:
			out[r] = T(math.Inf(-1))
		default:
			out[r] = smallest[s.K-1]
		}
	})
	return func(o []T, in [][]T) {
		x, out = in[0], o
		mask.begin(in[1:])
		rows.run()
	}
}

// fewSmallest is how many smallest numbers are quicker inserted one by one than found by sorting.
const fewSmallest = 64

// smallestOf puts the k smallest of the x where mask is not 0 in order into room, which holds as
// many numbers as x, and counts how many are chosen.
func smallestOf[T loops.Float](x, mask []T, k int, room []T) (smallest []T, count int) {
	if k > fewSmallest {
		for i, v := range x {
			if mask[i] != 0 {
				room = append(room, v)
			}
		}
		slices.Sort(room)
		return room, len(room)
	}
	for i, v := range x {
		if mask[i] == 0 {
			continue
		}
		count++
		if len(room) == k && !cmp.Less(v, room[k-1]) {
			continue
		}
		if len(room) < k {
			room = append(room, v)
		}
		at := len(room) - 1
		for ; at > 0 && cmp.Less(v, room[at-1]); at-- {
			room[at] = room[at-1]
		}
		room[at] = v
	}
	return room, count
}
