package spec

import "fmt"

// Operator names a function of two variables.
type Operator string

// The operators of Binary.
const (
	Add          Operator = "+"
	Sub          Operator = "-"
	Mul          Operator = "*"
	Div          Operator = "/"
	Max          Operator = "max"
	Min          Operator = "min"
	Greater      Operator = ">"  // 1 or 0
	GreaterEqual Operator = ">=" // 1 or 0
	Same         Operator = "==" // 1 or 0
)

// Binary computes a ∘ b with the shapes of a and b, of one rank, stretched where a side
// is 1.
type Binary struct {
	Op   Operator
	A, B []int // shapes of the operands
}

func (s Binary) String() string { return fmt.Sprintf("Binary %s %v %v", s.Op, s.A, s.B) }

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
