package cpu

import (
	"slices"

	"medusa/internal/cpu/loops"
	"medusa/internal/device"
	"medusa/internal/spec"
)

func init() {
	register(rowFirst[float32], rowFirst[float64])
	registerKernel(func(s spec.LabelFirst) device.Kernel { return host(labelFirst[float32](), labelFirst[float64]()) })
	registerKernel(func(s spec.LabelRank) device.Kernel { return host(labelRank[float32](), labelRank[float64]()) })
}

func rowFirst[T loops.Float](s spec.RowFirst) func(out []T, in [][]T) {
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

func labelFirst[T loops.Float]() func(out []T, in [][]T) {
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

func labelRank[T loops.Float]() func(out []T, in [][]T) {
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
