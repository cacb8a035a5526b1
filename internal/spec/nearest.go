package spec

// RowKth computes the K-th smallest of each row of x (Rows, Cols) where the mask is not 0, to
// (Rows): that a number be at most so large chooses the K smallest and all that equal the K-th.
// In a row with no more than K it is ∞. A NaN comes before every number; where it is the K-th,
// −∞ stands for it, which no number is at most.
type RowKth struct {
	Rows, Cols, K int
	Mask          Mask
}
