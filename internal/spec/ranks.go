package spec

// SoftRanks computes, from distances d (N, M) and the masks of and over (N, M),
//
//	y[a,i] = Σ over j ≠ i with over[a,j] of σ((d[a,i] − d[a,j])/Temperature)
//
// where of[a,i] is set and 0 elsewhere: about how many entries of over are nearer to the anchor a
// than i is. σ is the logistic function. A row takes time in proportion to the product of its
// numbers of entries, and O(M) memory.
type SoftRanks struct {
	N, M        int
	Temperature float64
	Of, Over    Mask
}

// SoftRanksGrad computes the gradient to d from the inputs of SoftRanks and the gradient to its
// result.
type SoftRanksGrad SoftRanks
