package spec

// GatherRows computes which rows of a table indices (N) name, each once: a row stands where it is
// named first, and −1 at the other indices that name it.
type GatherRows struct {
	Rows, N int
}

// GatherRowsGrad is the rows of GatherGrad that indices (N) name, to (N, Cols), where GatherRows has
// them, and rows of 0 elsewhere: the rows of dy (N, Cols) that belong to one row of the table are added
// in the order of the indices. Its inputs are indices and dy.
type GatherRowsGrad Gather
