package device

import "medusa/internal/device/cpu"

// Pairs says where the mask (N, M) of an op comes from.
type Pairs string

// The sources of a mask. What is made of labels (N) takes no memory and no time to read.
const (
	Given    Pairs = ""         // it is an input
	Positive Pairs = "positive" // 1 for i ≠ j of one label; the input is the labels
	Negative Pairs = "negative" // 1 for two labels; the input is the labels
)

// maskRow is row r of the mask, made in scratch if it is not given.
func maskRow[T cpu.Float](p Pairs, in []T, r, cols int, scratch []T) []T {
	if p == Given {
		return in[r*cols : (r+1)*cols]
	}
	row := scratch[:cols]
	cpu.Equals(row, in, in[r])
	if p == Negative {
		cpu.Affine(row, row, -1, 1)
	} else {
		row[r] = 0
	}
	return row
}

// PairMask computes of N labels the mask (N, N) of Pairs.
type PairMask struct {
	N     int
	Pairs Pairs
}

func (s PairMask) cpu() Kernel { return host(pairMask[float32](s), pairMask[float64](s)) }

func pairMask[T cpu.Float](s PairMask) func(out []T, in [][]T) {
	var labels, out []T
	body := func(lo, hi int) {
		for i := lo; i < hi; i++ {
			maskRow(s.Pairs, labels, i, s.N, out[i*s.N:(i+1)*s.N])
		}
	}
	return func(o []T, in [][]T) {
		labels, out = in[0], o
		cpu.Parallel(s.N, rowGrain(s.N), body)
	}
}

// eachRow works on rows in parallel, with scratch memory of width numbers for each
// worker.
type eachRow[T cpu.Float] struct {
	rows, grain, width int
	body               func(r int, scratch []T)
	scratch            [][]T
}

func newEachRow[T cpu.Float](rows, cols, width int, body func(r int, scratch []T)) *eachRow[T] {
	return &eachRow[T]{rows: rows, grain: rowGrain(cols), width: width, body: body}
}

func (e *eachRow[T]) run() {
	for len(e.scratch) < cpu.Threads() {
		e.scratch = append(e.scratch, make([]T, e.width))
	}
	cpu.DoAtMost(len(e.scratch), (e.rows+e.grain-1)/e.grain, e)
}

// Piece does some rows.
func (e *eachRow[T]) Piece(piece, worker int) {
	for r := piece * e.grain; r < min((piece+1)*e.grain, e.rows); r++ {
		e.body(r, e.scratch[worker])
	}
}
