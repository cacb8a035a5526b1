package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	registerChecked(enqueue[float32], enqueue[float64])
}

func enqueue[T loops.Float](s spec.Enqueue) func(out []T, in [][]T) error {
	return func(out []T, in [][]T) error {
		x, queue, position := in[0], in[1], in[2]
		if err := checkIndices("the queue's next slot", position, s.Slots); err != nil {
			return err
		}
		copy(out, queue)
		at := int(position[0])
		first := min(s.Rows, s.Slots-at)
		copy(queue[at*s.Cols:], x[:first*s.Cols])
		copy(queue, x[first*s.Cols:])
		position[0] = T((at + s.Rows) % s.Slots)
		return nil
	}
}
