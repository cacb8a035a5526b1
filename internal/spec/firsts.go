package spec

// RowFirst computes from the inputs of a mask (Rows, Cols) the first column of each row that it holds,
// −1 of none, to (Rows).
type RowFirst struct {
	Rows, Cols int
	Mask       Mask
}

// LabelFirst computes, from labels (N) and numbers x (N), x where it is not below 0 and no earlier row
// of the same label has such a number, and −1 elsewhere.
type LabelFirst struct{ N int }

// LabelRank computes how many of the listed labels are less than each label, to (N), from labels (N)
// and numbers (N), which are not below 0 at the rows whose labels are listed.
type LabelRank struct{ N int }
