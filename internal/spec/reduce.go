package spec

import "fmt"

// SumTo adds x, of shape From, up to shape To: over every axis where To is 1 and From is
// not. To has From's rank, or rank 0 for the sum of all.
type SumTo struct{ From, To []int }

func (s SumTo) String() string { return fmt.Sprintf("SumTo %v %v", s.From, s.To) }

// SumsRows reports whether the sum is that of a matrix which is made row by row.
func (s SumTo) SumsRows() bool {
	return len(s.From) == 2 && s.From[1] >= ShortRow && size(s.To) == 1
}

// ShortRow is from how many elements on a row of a matrix is worked on by itself.
const ShortRow = 16

// Broadcast stretches x, of shape From, to shape To; the other way round than SumTo.
type Broadcast struct{ From, To []int }

func (s Broadcast) String() string { return fmt.Sprintf("Broadcast %v %v", s.From, s.To) }

func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
