package spec

// RowTerms computes, of each row of x (Rows, Cols) where the mask is not 0, the
// sum of the terms t with Low < t < High and their number, (Rows, 2). The terms are x
// itself or, with Hinge, max(0, K·x + C). A bound that is NaN is none. A term that is NaN
// counts, so that the sum tells of it.
type RowTerms struct {
	Rows, Cols int
	Low, High  float64
	Mask       Mask
	Hinge      bool
	K, C       float64
}

// RowTermsGrad computes the gradient to x from x, mask and the gradient to the result of
// RowTerms, of which the sums count.
type RowTermsGrad RowTerms
