package spec

// The outputs of RowTerms besides the sum, (Rows, 1) each.
const (
	TermCount  = 1 // the number of the terms
	TermHinges = 2 // with Square and Shift the sum of h over all that the mask holds, whatever the bounds, which the gradient to a needs
)

// RowTerms computes, of each row of x (Rows, Cols) where the mask is not 0, the
// sum of the terms t with Low < t < High, (Rows, 1). The terms are x itself or, with Hinge,
// h = max(0, K·x + C) or, with Square, h². A bound that is NaN is none. A term that is NaN
// counts, so that the sum tells of it. Where Shift is not 0, C + Shift·a stands for C, a being
// a number that is an input behind those of the mask.
type RowTerms struct {
	Rows, Cols int
	Low, High  float64
	Mask       Mask
	Hinge      bool
	Square     bool // with Hinge
	K, C       float64
	Shift      float64 // with Hinge
}

// Outputs are TermCount and, of squares with a number that is an input, TermHinges.
func (s RowTerms) Outputs() []Output {
	if s.Square && s.Shift != 0 {
		return []Output{column(s.Rows), column(s.Rows)}
	}
	return []Output{column(s.Rows)}
}

// Inputs is how many inputs there are besides x.
func (s RowTerms) Inputs() int {
	if s.Shift != 0 {
		return s.Mask.Inputs() + 1
	}
	return s.Mask.Inputs()
}

// RowTermsGrad computes the gradient to x from the inputs of RowTerms and the gradient to its
// sums, (Rows, 1).
type RowTermsGrad RowTerms
