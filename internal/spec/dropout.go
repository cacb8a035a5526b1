package spec

import "fmt"

// DropoutDigits is the length of a dropout's state: the seed and the number of runs so
// far, two digits each to the base DropoutBase, low one first. Digits are small enough
// that float32 holds them exactly.
const (
	DropoutDigits = 4
	DropoutBase   = 1 << 20
)

// Draw is what a dropout remembers for its gradient: the run whose mask it drew.
type Draw struct{ Seed, Run uint64 }

// Dropout computes x/(1−Rate) for a random part of N elements and 0 for the others, each
// with probability Rate. The mask depends on the seed and the number of the run alone.
// Both stand in the state (DropoutDigits), input 1, where the op counts its runs; the op
// is not to be merged with others.
type Dropout struct {
	N    int
	Rate float64
	Draw *Draw
}

func (s Dropout) String() string { return fmt.Sprintf("Dropout %d %v", s.N, s.Rate) }

// Writes tells that the op counts its runs in input 1.
func (s Dropout) Writes() []int { return []int{1} }

// DropoutGrad computes dx from dy and, for the order of execution, y.
type DropoutGrad Dropout

func (s DropoutGrad) String() string { return fmt.Sprintf("DropoutGrad %d %v", s.N, s.Rate) }
