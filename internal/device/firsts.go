package device

import (
	"slices"

	"medusa/internal/device/cpu"
)

// RowFirst computes from the inputs of a mask (Rows, Cols) the first column of each row that it holds,
// −1 of none, to (Rows).
type RowFirst struct {
	Rows, Cols int
	Mask       Mask
}

func (s RowFirst) cpu() Kernel { return host(rowFirst[float32](s), rowFirst[float64](s)) }

func rowFirst[T cpu.Float](s RowFirst) func(out []T, in [][]T) {
	mask := newMaskRows[T](s.Mask, s.Rows, s.Cols)
	positives := positivesOf[T](s.Mask, s.Rows)
	var out []T
	rows := newEachRow(s.Rows, s.Cols, s.Cols, func(r int, scratch []T) {
		if positives != nil {
			out[r] = T(positives.place(0, r))
			return
		}
		out[r] = T(slices.IndexFunc(mask.row(r, scratch), func(v T) bool { return v != 0 }))
	})
	return func(o []T, in [][]T) {
		out = o
		mask.begin(in)
		if positives != nil {
			positives.list(in[0])
		}
		rows.run()
	}
}

// LabelFirst computes, from labels (N) and numbers x (N), x where it is not below 0 and no earlier row
// of the same label has such a number, and −1 elsewhere.
type LabelFirst struct{ N int }

func (s LabelFirst) cpu() Kernel { return host(labelFirst[float32](), labelFirst[float64]()) }

func labelFirst[T cpu.Float]() func(out []T, in [][]T) {
	seen := map[T]struct{}{}
	return func(out []T, in [][]T) {
		labels, x := in[0], in[1]
		clear(seen)
		for i, l := range labels {
			out[i] = -1
			if _, ok := seen[l]; !ok && x[i] >= 0 {
				out[i] = x[i]
				seen[l] = struct{}{}
			}
		}
	}
}

// LabelRank computes how many of the listed labels are less than each label, to (N), from labels (N)
// and numbers (N), which are not below 0 at the rows whose labels are listed.
type LabelRank struct{ N int }

func (s LabelRank) cpu() Kernel { return host(labelRank[float32](), labelRank[float64]()) }

func labelRank[T cpu.Float]() func(out []T, in [][]T) {
	var listed []T
	return func(out []T, in [][]T) {
		labels := in[0]
		listed = listed[:0]
		for i, x := range in[1] {
			if x >= 0 {
				listed = append(listed, labels[i])
			}
		}
		slices.Sort(listed)
		for i, l := range labels {
			at, _ := slices.BinarySearch(listed, l)
			out[i] = T(at)
		}
	}
}
