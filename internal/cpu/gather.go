package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	registerChecked(gather[float32], gather[float64])
	registerChecked(gatherGrad[float32], gatherGrad[float64])
}

func gather[T loops.Float](s spec.Gather) func(out []T, in [][]T) error {
	return func(out []T, in [][]T) error {
		table, indices := in[0], in[1]
		if err := checkIndices(s.Index(), indices, s.Rows); err != nil {
			return err
		}
		for i, v := range indices {
			r := int(v)
			copy(out[i*s.Cols:(i+1)*s.Cols], table[r*s.Cols:(r+1)*s.Cols])
		}
		return nil
	}
}

func gatherGrad[T loops.Float](s spec.GatherGrad) func(out []T, in [][]T) error {
	return func(out []T, in [][]T) error {
		indices, dy := in[0], in[1]
		if err := checkIndices(spec.Gather(s).Index(), indices, s.Rows); err != nil {
			return err
		}
		clear(out)
		for i, v := range indices {
			dst := out[int(v)*s.Cols:][:s.Cols]
			for c, g := range dy[i*s.Cols : (i+1)*s.Cols] {
				dst[c] += g
			}
		}
		return nil
	}
}
