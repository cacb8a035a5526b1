package device

import "medusa/internal/device/cpu"

// GatherRows computes which rows of a table indices (N) name, each once: a row stands where it is
// named first, and −1 at the other indices that name it.
type GatherRows struct {
	Rows, N int
}

func (s GatherRows) cpu() Kernel { return checked(gatherRows[float32](s), gatherRows[float64](s)) }

func gatherRows[T cpu.Float](s GatherRows) func(out []T, in [][]T) error {
	first := newFirstNames[T](s.Rows)
	return func(out []T, in [][]T) error {
		if err := first.find(in[0]); err != nil {
			return err
		}
		for i, v := range in[0] {
			if out[i] = -1; first.of(v) == i {
				out[i] = v
			}
		}
		first.forget(in[0])
		return nil
	}
}

// GatherRowsGrad is the rows of GatherGrad that indices (N) name, to (N, Cols), where GatherRows has
// them, and rows of 0 elsewhere: the rows of dy (N, Cols) that belong to one row of the table are added
// in the order of the indices. Its inputs are indices and dy.
type GatherRowsGrad Gather

func (s GatherRowsGrad) cpu() Kernel {
	return checked(gatherRowsGrad[float32](s), gatherRowsGrad[float64](s))
}

func gatherRowsGrad[T cpu.Float](s GatherRowsGrad) func(out []T, in [][]T) error {
	first := newFirstNames[T](s.Rows)
	row := func(x []T, i int) []T { return x[i*s.Cols : (i+1)*s.Cols] }
	return func(out []T, in [][]T) error {
		indices, dy := in[0], in[1]
		if err := first.find(indices); err != nil {
			return err
		}
		for i, v := range indices {
			at := first.of(v)
			if at == i {
				copy(row(out, i), row(dy, i))
				continue
			}
			clear(row(out, i))
			sum := row(out, at)
			for c, g := range row(dy, i) {
				sum[c] += g
			}
		}
		first.forget(indices)
		return nil
	}
}

// firstNames tells at which of some indices each row of a table is named first. It has a number for each
// row, of which a run touches those named alone.
type firstNames[T cpu.Float] struct {
	place []int32 // +1; 0 of a row that is not named
}

func newFirstNames[T cpu.Float](rows int) *firstNames[T] {
	return &firstNames[T]{place: make([]int32, rows)}
}

// find takes the indices, until forget.
func (f *firstNames[T]) find(indices []T) error {
	if err := checkIndices("index", indices, len(f.place)); err != nil {
		return err
	}
	for i, v := range indices {
		if at := &f.place[int(v)]; *at == 0 {
			*at = int32(i + 1)
		}
	}
	return nil
}

func (f *firstNames[T]) of(index T) int { return int(f.place[int(index)]) - 1 }

func (f *firstNames[T]) forget(indices []T) {
	for _, v := range indices {
		f.place[int(v)] = 0
	}
}
