package spec

import "math"

// A state of random ops is a seed and a number of runs, as dropout's has (DropoutDigits). Advance
// hands it out and counts the run; what draws reads what Advance handed out, so that all draws
// of a run come from one number of it, whatever their order.

// Advance copies a state, its input, to the output, and then raises the state's number of runs
// by one. An op of it is not to be merged with others.
type Advance struct{}

func (s Advance) String() string { return "Advance" }

// Writes tells that the op counts its runs in input 0.
func (s Advance) Writes() []int { return []int{0} }

// Uniform draws N numbers uniform in [0, 1), multiples of 2⁻²⁴, of a state.
type Uniform struct {
	N      int
	Stream uint32 // ops of one state have different streams
}

// Normal draws N numbers of the standard normal distribution, each of 32 random bits, of a
// state.
type Normal struct {
	N      int
	Stream uint32
}

// Bernoulli draws N numbers of a state that are 1 with probability P, a multiple of 2⁻³², and
// else 0.
type Bernoulli struct {
	N      int
	P      float64
	Stream uint32
}

// Limit is the word from which on the number is 0.
func (s Bernoulli) Limit() uint64 { return uint64(math.Round(s.P * (1 << 32))) }

// DrawnColumns draws K columns for each row of weights (Rows, Cols), input 1, with probabilities that
// go by the weights, to (Rows, K); −1 in a row without a weight above 0. Input 0 is a state.
type DrawnColumns struct {
	Rows, Cols, K int
	Stream        uint32
}
