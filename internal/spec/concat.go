package spec

// Concat puts its inputs side by side: input i is a matrix (Rows, Widths[i]). Tensors
// joined along an axis are such matrices, with the axes before it as rows.
type Concat struct {
	Rows   int
	Widths []int
}

// Slice computes the columns [From, To) of x (Rows, Width).
type Slice struct{ Rows, Width, From, To int }

// SliceGrad computes a matrix (Rows, Width) that is dy in the columns [From, To) and 0
// elsewhere.
type SliceGrad Slice
