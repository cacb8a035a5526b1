package spec

// RowTerms computes, of each row of x (Rows, Cols) where the mask is not 0, the
// sum of the terms t with Low < t < High; output 1 is their number, (Rows, 1) both. The terms are x
// itself or, with Hinge, max(0, K·x + C). A bound that is NaN is none. A term that is NaN
// counts, so that the sum tells of it.
type RowTerms struct {
	Rows, Cols int
	Low, High  float64
	Mask       Mask
	Hinge      bool
	K, C       float64
}

// Outputs is the number of the terms.
func (s RowTerms) Outputs() []Output { return []Output{column(s.Rows)} }

// RowTermsGrad computes the gradient to x from x, mask and the gradient to the sums of
// RowTerms, (Rows, 1).
type RowTermsGrad RowTerms
