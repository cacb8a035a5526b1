package spec

// DropoutDigits is the length of a dropout's state: the seed and the number of runs so
// far, two digits each to the base DropoutBase, low one first. Digits are small enough
// that float32 holds them exactly.
const (
	DropoutDigits = 4
	DropoutBase   = 1 << 20
)

// Dropout computes x/(1−Rate) for a random part of N elements and 0 for the others, each
// with probability Rate. The mask depends on a state (DropoutDigits), input 1, alone, as Advance
// hands it out: of the gradient to the result it makes that to x.
type Dropout struct {
	N    int
	Rate float64
}
