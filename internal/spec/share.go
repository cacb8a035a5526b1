package spec

// ShareBound computes, of all n entries of x (Rows, Cols) where the mask is not 0, up to which the
// ⌈Share·n⌉ smallest go or, if Largest, above which the ⌈Share·n⌉ largest lie: Rows times the same
// number, (Rows). A NaN is not counted, as who compares with the bound chooses it anyway. Of no
// entries the bound is 0. With Counted the mask holds whole numbers of at least 0, and n is their sum: an
// entry lies there so many times.
type ShareBound struct {
	Rows, Cols int
	Share      float64
	Largest    bool
	Counted    bool
	Mask       Mask
}
