package spec

// Enqueue copies a queue (Slots, Cols), input 1, to the output, and then writes x (Rows, Cols),
// input 0, into the queue from its position, input 2, on: behind the last slot follows the
// first. The position moves on by Rows. An op of it is not to be merged with others.
type Enqueue struct{ Rows, Cols, Slots int }

// Writes tells that the op changes the queue and its position.
func (s Enqueue) Writes() []int { return []int{1, 2} }
