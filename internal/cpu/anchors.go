package cpu

import (
	"slices"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

// anchorTask goes through the rows of x (rows, cols), each with the entries that two masks choose
// of it. A worker's scratch is O(cols).
type anchorTask[T loops.Float] struct {
	rows, cols    int
	first, second maskRows[T]
	x, up         []T
	out           [][]T
	body          func(a *anchor[T], r int)
	workers       []*anchor[T]
}

// anchor is a row with what is chosen of it.
type anchor[T loops.Float] struct {
	first, second entries[T]
	mask, scratch []T
	sums          []float64
}

// zeros are n sums, all 0.
func (a *anchor[T]) zeros(n int) []float64 {
	if len(a.sums) < n {
		a.sums = make([]float64, n)
	}
	clear(a.sums[:n])
	return a.sums[:n]
}

// entries are numbers of a row, from left to right, and where they stand.
type entries[T loops.Float] struct {
	at []int32
	x  []T
}

func newAnchorTask[T loops.Float](first, second spec.Mask, rows, cols int) *anchorTask[T] {
	return &anchorTask[T]{rows: rows, cols: cols, first: newMaskRows[T](first, rows, cols), second: newMaskRows[T](second, rows, cols)}
}

// run takes x, the inputs of the masks and, if there is one, the gradient to a result.
func (t *anchorTask[T]) run(out, in [][]T) {
	t.x, t.out = in[0], out
	if rest := t.second.begin(t.first.begin(in[1:])); len(rest) > 0 {
		t.up = rest[0]
	}
	for len(t.workers) < loops.Threads() {
		t.workers = append(t.workers, &anchor[T]{first: newEntries[T](t.cols), second: newEntries[T](t.cols), mask: make([]T, t.cols), scratch: make([]T, t.cols)})
	}
	loops.DoAtMost(len(t.workers), (t.rows+tripletGrain-1)/tripletGrain, t)
	t.x, t.up, t.out = nil, nil, nil
}

// Piece does some rows.
func (t *anchorTask[T]) Piece(piece, worker int) {
	a := t.workers[worker]
	for r := piece * tripletGrain; r < min((piece+1)*tripletGrain, t.rows); r++ {
		row := t.x[r*t.cols : (r+1)*t.cols]
		a.first.gather(row, t.first.row(r, a.mask))
		a.second.gather(row, t.second.row(r, a.mask))
		t.body(a, r)
	}
}

func newEntries[T loops.Float](n int) entries[T] {
	return entries[T]{at: make([]int32, 0, n), x: make([]T, 0, n)}
}

func (e *entries[T]) gather(row, mask []T) {
	e.at, e.x = loops.Marked(e.at[:0], mask), e.x[:0]
	for _, j := range e.at {
		e.x = append(e.x, row[j])
	}
}

// find is the place in the list of the entry of column j, or −1.
func (e *entries[T]) find(j int32) int {
	if i, found := slices.BinarySearch(e.at, j); found {
		return i
	}
	return -1
}
