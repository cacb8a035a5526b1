package cpu

import "math"

// level is where the largest exponents of all rows are near each other. Then a power e^x of a pair, over the largest
// of one of its rows, is known from that over the largest of the other: with a and b the largest exponents,
// e^(x−b) = e^(x−a)·e^(a−b), and one power a pair will do.
type level struct {
	is           bool
	mine, theirs []float32 // of each row: e^(a−c), and its factor times e^(c−a), c being a number near all a
}

// levelRange is how far the largest exponents may lie apart. What is then lost below the smallest power, e^−87, is
// less than e^−47 of the largest of either row.
const levelRange = 40

func newLevel(n int) level { return level{mine: make([]float32, n), theirs: make([]float32, n)} }

// find takes the largest exponents, the factors of the powers, and the totals that RowReduce made of rows.
func (l *level) find(at, scale, total []float32) {
	low, high := math.Inf(1), math.Inf(-1)
	for r, a := range at {
		if total[r] != 0 {
			low, high = min(low, float64(a)), max(high, float64(a)) // a NaN stays
		}
	}
	l.is = high-low <= levelRange
	if !l.is {
		return
	}
	for r, a := range at {
		l.mine[r], l.theirs[r] = 0, 0
		if total[r] != 0 {
			e := math.Exp(float64(a) - (low+high)/2)
			l.mine[r], l.theirs[r] = float32(e), float32(float64(scale[r])/e)
		}
	}
}
