package device

import "medusa/internal/device/cpu"

// Enqueue copies a queue (Slots, Cols), input 1, to the output, and then writes x (Rows, Cols),
// input 0, into the queue from its position, input 2, on: behind the last slot follows the
// first. The position moves on by Rows. An op of it is not to be merged with others.
type Enqueue struct{ Rows, Cols, Slots int }

func (s Enqueue) cpu() Kernel { return checked(enqueue[float32](s), enqueue[float64](s)) }

// Writes tells that the op changes the queue and its position.
func (s Enqueue) Writes() []int { return []int{1, 2} }

func enqueue[T cpu.Float](s Enqueue) func(out []T, in [][]T) error {
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
