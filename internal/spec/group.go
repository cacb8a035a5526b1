package spec

// GroupMax computes the largest number of each group of x (Groups, Size), the first NaN if a group
// has one, to (Groups). Groups are short, such as the vectors of a class: each is a loop of its own,
// where RowReduce spends more on beginning a row than on so few numbers.
type GroupMax struct{ Groups, Size int }

// GroupMaxGrad computes dx (Groups, Size) from x, y = GroupMax(x) and dy (Groups): the gradient goes
// to the first number that is the largest.
type GroupMaxGrad GroupMax

// GroupSoftMax computes, of each group of x (Groups, Size), the mean of its numbers weighed by a
// softmax over them,
//
//	y = Σ q_j·x_j,   q = softmax of x/Temperature
//
// to (Groups). It lies below the largest number, and nears it as the temperature falls. A group with
// a number that is not finite gives NaN.
type GroupSoftMax struct {
	Groups, Size int
	Temperature  float64
}

// GroupSoftMaxGrad computes dx (Groups, Size) from x, y = GroupSoftMax(x) and dy (Groups).
type GroupSoftMaxGrad GroupSoftMax
