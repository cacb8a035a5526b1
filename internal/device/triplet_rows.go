package device

import (
	"sync"

	"medusa/internal/device/cpu"
)

// tripletRows makes rows of TripletsGrad, without Swap.
type tripletRows[T cpu.Float] struct {
	task *tripletTask[T]
	mu   sync.Mutex
	free []*tripletRow[T] // scratch that no worker has
}

func newTripletRows[T cpu.Float](g TripletsGrad) rowMaker[T] {
	r := &tripletRows[T]{task: newTripletTask[T](Triplets(g), g.N)}
	if single, ok := any(r).(*tripletRows[float32]); ok && !g.Smooth {
		return any(&fewTripletRows{few: newFewTask(Triplets(g)), sorted: single}).(rowMaker[T])
	}
	return r
}

func (r *tripletRows[T]) begin(d []T, in [][]T) { r.task.begin(d, in, true) }

func (r *tripletRows[T]) row(dst []T, a int, _ []T) {
	row := r.take()
	r.task.anchorGrad(row, a)
	row.write(dst)
	r.giveBack(row)
}

func (r *tripletRows[T]) take() *tripletRow[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.free)
	if n == 0 {
		return newTripletRow[T](r.task.s.M)
	}
	row := r.free[n-1]
	r.free = r.free[:n-1]
	return row
}

func (r *tripletRows[T]) giveBack(row *tripletRow[T]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free = append(r.free, row)
}

// fewTripletRows is tripletRows where most anchors have few positives.
type fewTripletRows struct {
	few    *fewTask
	sorted *tripletRows[float32]
	take   bool // the few
	mu     sync.Mutex
	free   []*fewRow
	args   [][]float32
}

func (r *fewTripletRows) begin(d []float32, in [][]float32) {
	r.args = append(append(r.args[:0], d), in...)
	if r.take = r.few.begin(nil, r.args, true); !r.take {
		r.sorted.begin(d, in)
	}
}

func (r *fewTripletRows) row(dst []float32, a int, scratch []float32) {
	if !r.take {
		r.sorted.row(dst, a, scratch)
		return
	}
	r.mu.Lock()
	row := (*fewRow)(nil)
	if n := len(r.free); n > 0 {
		row, r.free = r.free[n-1], r.free[:n-1]
	}
	r.mu.Unlock()
	if row == nil {
		row = newFewRow(r.few.s.M)
	}
	r.few.grad(dst, r.few.gather(row, a), a)
	r.mu.Lock()
	r.free = append(r.free, row)
	r.mu.Unlock()
}
