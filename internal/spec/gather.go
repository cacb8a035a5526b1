package spec

import "cmp"

// Gather computes the rows of table (Rows, Cols) that indices (N) name, to (N, Cols).
// The indices are checked when the kernel runs.
type Gather struct {
	Rows, Cols, N int
	What          string // what an error calls an index; "index" if empty
}

// Index is what an error calls an index.
func (s Gather) Index() string { return cmp.Or(s.What, "index") }

// GatherGrad adds the rows of dy (N, Cols) up to the rows of a table (Rows, Cols) that
// indices (N) name, in the order of the indices; its inputs are indices and dy.
type GatherGrad Gather
