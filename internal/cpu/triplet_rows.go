package cpu

import (
	"sync"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

// tripletRows makes rows of TripletsGrad, without Swap.
type tripletRows[T loops.Float] struct {
	task  *tripletTask[T]
	spare spares[tripletRow[T]]
}

func newTripletRows[T loops.Float](g spec.TripletsGrad) rowMaker[T] {
	r := &tripletRows[T]{task: newTripletTask[T](spec.Triplets(g), g.N)}
	if single, ok := any(r).(*tripletRows[float32]); ok && !g.Smooth {
		f := &fewTripletRows{few: newFewTask(spec.Triplets(g)), sorted: single}
		return any(rowMaker[float32]{f.begin, f.row}).(rowMaker[T])
	}
	return rowMaker[T]{r.begin, r.row}
}

func (r *tripletRows[T]) begin(d []T, in [][]T) { r.task.begin(d, in, true) }

func (r *tripletRows[T]) row(dst []T, a int, _ []T) {
	row := r.spare.take()
	if row == nil {
		row = newTripletRow[T](r.task.s)
	}
	r.task.anchorGrad(row, a)
	row.write(dst)
	r.spare.giveBack(row)
}

// fewTripletRows is tripletRows where most anchors have few positives.
type fewTripletRows struct {
	few    *fewTask
	sorted *tripletRows[float32]
	take   bool // the few
	spare  spares[fewRow]
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
	row := r.spare.take()
	if row == nil {
		row = newFewRow(r.few.s.M)
	}
	r.few.grad(dst, r.few.gather(row, a), a)
	r.spare.giveBack(row)
}

// spares holds scratch that no worker uses just now.
type spares[S any] struct {
	mu   sync.Mutex
	free []*S
}

// take is the scratch given back last, or nil.
func (l *spares[S]) take() *S {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.free)
	if n == 0 {
		return nil
	}
	s := l.free[n-1]
	l.free = l.free[:n-1]
	return s
}

func (l *spares[S]) giveBack(s *S) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free = append(l.free, s)
}
