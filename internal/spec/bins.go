package spec

// RowBins puts the entries of each row of x (Rows, Cols) where the mask is not 0 into Bins bins of
// one width that lie between Low and High. The result is the sums over the entries of the part of the bin that
// lies below them; output 1 is the numbers of entries, (Rows, Bins) both. An entry counts as
// often as the mask says. What lies below Low is at the lower edge of the first bin, what lies
// above High at the upper edge of the last; a NaN is in the first bin, and its part is NaN.
type RowBins struct {
	Rows, Cols, Bins int
	Low, High        float64
	Mask             Mask
}

// Outputs is the numbers of entries.
func (s RowBins) Outputs() []Output { return []Output{{Shape: []int{s.Rows, s.Bins}}} }

// RowBinsGrad computes the gradient to x from x, the mask's inputs and the gradient to the parts
// of RowBins.
type RowBinsGrad RowBins

// TripletBins is RowBins of the differences D_ap − D_an of the triplets (a, p, n) of each anchor,
// of distances d (N, M) with pos[a,p], neg[a,n] and Above < D_an − D_ap ≤ AtMost; −∞ is no bound.
type TripletBins struct {
	N, M, Bins    int
	Low, High     float64
	Above, AtMost float64
	Pos, Neg      Mask
}

// Outputs is the numbers of triplets.
func (s TripletBins) Outputs() []Output { return []Output{{Shape: []int{s.N, s.Bins}}} }

// TripletBinsGrad computes the gradient to d from the inputs of TripletBins and the gradient to its
// parts.
type TripletBinsGrad TripletBins

// BinScale is 1 over the width of a bin.
func BinScale(low, high float64, count int) float64 { return float64(count) / (high - low) }
