package spec

import (
	"fmt"
	"strings"
)

// Chain is what several specs compute of a matrix (Rows, Cols) one after the other, entry by entry: each row goes
// through all of them while it is in the nearest cache, and none of what stands between them is written to memory.
// Its last step ends it: a matrix as the others make, or RowTerms, RowReduce or SumTo, a column or a number, of the
// matrix before it. The graph of a machine of the CPU is made of it where it pays; the numbers are those of the specs, to
// the last bit.
type Chain struct {
	Rows, Cols int
	Leaves     []Leaf
	Steps      []ChainStep
}

// Outputs are those of the last step.
func (s Chain) Outputs() []Output { return OutputsOf(s.Steps[len(s.Steps)-1].Spec) }

// Leaf says how an input of a chain is stretched.
type Leaf string

// The kinds of Leaf.
const (
	WholeLeaf  Leaf = "whole"  // not at all: a step takes it as it is, such as labels
	MatrixLeaf Leaf = "matrix" // (Rows, Cols)
	ColumnLeaf Leaf = "column" // (Rows, 1)
	RowLeaf    Leaf = "row"    // (1, Cols)
	SingleLeaf Leaf = "single" // one number
)

// ChainStep is a spec and its inputs: numbers of leaves and, from len(Leaves) on, of steps. For Where, RowTerms,
// RowReduce and their gradients the inputs of the mask are one, the mask, which is a leaf or a step PairMask; or
// these inputs themselves of a last step.
type ChainStep struct {
	Spec any
	In   []int
}

func (s Chain) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Chain %d %d %v", s.Rows, s.Cols, s.Leaves)
	for _, step := range s.Steps {
		fmt.Fprintf(&b, "; %s %v", Describe(step.Spec), step.In)
	}
	return b.String()
}

// Chained reports whether a spec can be a step before the last one of a chain of matrices (rows, cols).
func Chained(spec any, rows, cols int) bool {
	switch s := spec.(type) {
	case Unary:
		return s.N == rows*cols
	case UnaryGrad:
		return s.N == rows*cols
	case Binary:
		return len(s.A) == 2 && max(s.A[0], s.B[0]) == rows && max(s.A[1], s.B[1]) == cols
	case Broadcast:
		return len(s.To) == 2 && s.To[0] == rows && s.To[1] == cols
	case Where:
		return s.Rows*s.Cols == rows*cols
	case PairMask:
		return s.Rows == rows && s.Cols == cols
	case RowTermsGrad:
		return s.Rows == rows && s.Cols == cols
	case RowReduceGrad:
		return s.Op == RowLogSumExp && s.Rows == rows && s.Cols == cols
	}
	return false
}

// EndsChain reports whether a spec can be the last step of a chain of matrices (rows, cols), making a column or a number of them.
func EndsChain(spec any, rows, cols int) bool {
	switch s := spec.(type) {
	case RowTerms:
		return s.Rows == rows && s.Cols == cols
	case RowReduce:
		return s.Rows == rows && s.Cols == cols
	case SumTo:
		return len(s.From) == 2 && s.From[0] == rows && s.From[1] == cols && (s.SumsRows() || len(s.To) == 2 && s.To[0] == rows && s.To[1] == 1)
	}
	return false
}
