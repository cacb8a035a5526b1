package spec

// Iota computes 0, 1, …, N−1. Its input only says the element type.
type Iota struct{ N int }

// Constant computes N times Value. Its input only says the element type.
type Constant struct {
	N     int
	Value float64
}

// Where computes x (Rows, Cols) where the mask is not 0 and Other elsewhere, from x and the
// mask's inputs. What is no matrix is one row, with a mask in memory.
type Where struct {
	Rows, Cols int
	Other      float64
	Mask       Mask
}
