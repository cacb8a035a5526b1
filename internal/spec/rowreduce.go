package spec

// Reduction names what RowReduce makes of a row's chosen entries.
type Reduction string

// The reductions of RowReduce.
const (
	RowMax       Reduction = "max"
	RowMin       Reduction = "min"
	RowLogSumExp Reduction = "logsumexp"
)

// The columns of what RowReduce computes for each row.
const (
	ReducedValue  = iota // the reduction
	ReducedAt            // of RowMax and RowMin the first place where it is attained, −1 if none; of RowLogSumExp the largest exponent
	ReducedTotal         // of RowLogSumExp the sum of all powers divided by the largest; NaN if not all exponents are finite
	ReduceColumns        // how many columns there are
)

// RowReduce reduces each row of K·x, x (Rows, Cols), over the entries where the mask
// is not 0, to (Rows, ReduceColumns): the result, and what its gradient needs. K
// other than 1 is for RowLogSumExp alone. A row with no such entry gives Empty, and 0 in
// ReducedTotal.
type RowReduce struct {
	Op         Reduction
	Rows, Cols int
	K, Empty   float64
	Mask       Mask
}

// RowReduceGrad computes dx (Rows, Cols) from x, the mask's inputs, the result y of RowReduce
// and its gradient dy, both (Rows, ReduceColumns), of which the column ReducedValue counts.
// The gradient of a maximum or minimum goes to the first entry that attains it.
type RowReduceGrad RowReduce
