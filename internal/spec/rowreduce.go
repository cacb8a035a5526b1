package spec

// Reduction names what RowReduce makes of a row's chosen entries.
type Reduction string

// The reductions of RowReduce.
const (
	RowMax       Reduction = "max"
	RowMin       Reduction = "min"
	RowLogSumExp Reduction = "logsumexp"
)

// The outputs of RowReduce besides the reduction, (Rows, 1) each.
const (
	ReducedAt    = 1 // of RowMax and RowMin the first place where it is attained, −1 if none; of RowLogSumExp the largest exponent
	ReducedTotal = 2 // of RowLogSumExp the sum of all powers divided by the largest; NaN if not all exponents are finite, 0 in an empty row
)

// RowReduce reduces each row of K·x, x (Rows, Cols), over the entries where the mask
// is not 0, to (Rows, 1); its other outputs are what the gradient needs. K
// other than 1 is for RowLogSumExp alone. A row with no such entry gives Empty.
type RowReduce struct {
	Op         Reduction
	Rows, Cols int
	K, Empty   float64
	Mask       Mask
}

// Outputs are ReducedAt and, of RowLogSumExp, ReducedTotal.
func (s RowReduce) Outputs() []Output {
	if s.Op == RowLogSumExp {
		return []Output{column(s.Rows), column(s.Rows)}
	}
	return []Output{column(s.Rows)}
}

// RowReduceGrad computes dx (Rows, Cols) from x, the mask's inputs, the outputs of RowReduce besides the
// reduction, and dy, the gradient to the reduction. The gradient of a maximum or minimum goes to the first entry that
// attains it.
type RowReduceGrad RowReduce
