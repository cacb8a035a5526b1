package device

import (
	"cmp"

	"medusa/internal/device/cpu"
)

// Gather computes the rows of table (Rows, Cols) that indices (N) name, to (N, Cols).
// The indices are checked when the kernel runs.
type Gather struct {
	Rows, Cols, N int
	What          string // what an error calls an index; "index" if empty
}

// Index is what an error calls an index.
func (s Gather) Index() string { return cmp.Or(s.What, "index") }

func (s Gather) cpu() Kernel { return checked(gather[float32](s), gather[float64](s)) }

func gather[T cpu.Float](s Gather) func(out []T, in [][]T) error {
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

// GatherGrad adds the rows of dy (N, Cols) up to the rows of a table (Rows, Cols) that
// indices (N) name, in the order of the indices; its inputs are indices and dy.
type GatherGrad Gather

func (s GatherGrad) cpu() Kernel { return checked(gatherGrad[float32](s), gatherGrad[float64](s)) }

func gatherGrad[T cpu.Float](s GatherGrad) func(out []T, in [][]T) error {
	return func(out []T, in [][]T) error {
		indices, dy := in[0], in[1]
		if err := checkIndices(Gather(s).Index(), indices, s.Rows); err != nil {
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
