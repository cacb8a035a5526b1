package spec

// DrawnPartners draws, for each entry (r, j) that a mask (Rows, Cols) holds, a column, with
// probabilities that go by row r of the weights (Rows, Cols), to (Rows, Cols); −1 where the mask
// holds none and in a row without a weight above 0. The inputs are a state, the weights and those of
// the mask.
type DrawnPartners struct {
	Rows, Cols int
	Stream     uint32
	Mask       Mask
}

// Levelled draws entries of x (Rows, Cols) that a mask holds: the range from their smallest to their
// largest is cut into Bins of one width, the last of which holds its upper edge too, and Each are
// drawn with replacement from every bin that holds some. The result (Rows, Cols) is how often an entry
// was drawn. The inputs are a state, x and those of the mask.
type Levelled struct {
	Rows, Cols, Bins, Each int
	Stream                 uint32
	Mask                   Mask
}
