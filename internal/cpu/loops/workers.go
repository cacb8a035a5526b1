package loops

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// workers live through the run: one for each thread but the caller's.
var workers pool

// pool hands one task at a time to its workers.
type pool struct {
	busy    atomic.Bool // a task is running
	all     []*worker   // grows, guarded by busy
	task    Task
	pieces  int64
	next    atomic.Int64 // piece
	left    atomic.Int32 // helpers still at work
	done    sync.WaitGroup
	failure atomic.Pointer[failure]
}

// failure is what a piece panicked with.
type failure struct{ value any }

// worker is a goroutine that waits for tasks: for a moment awake, since kernels come in
// quick succession, then parked.
type worker struct {
	id    int
	state atomic.Uint32
	wake  chan struct{}
}

const (
	idle   = iota
	called // there is work
	busy   // at it
	parked // waiting on the channel
)

// spins is how often a worker looks for work before it parks: some ten microseconds.
const spins = 1000

func (p *pool) do(pieces, helpers int, task Task) {
	for len(p.all) < helpers {
		w := &worker{id: len(p.all) + 1, wake: make(chan struct{}, 1)}
		p.all = append(p.all, w)
		go w.serve(p)
	}
	p.task, p.pieces = task, int64(pieces)
	p.next.Store(0)
	p.left.Store(int32(helpers))
	p.done.Add(helpers)
	for _, w := range p.all[:helpers] {
		if w.state.Swap(called) == parked {
			w.wake <- struct{}{}
		}
	}
	p.work(0)
	p.dismiss(helpers)
	for i := 0; p.left.Load() > 0 && i < spins; i++ {
		relax(i)
	}
	p.done.Wait()
	p.task = nil
	failed := p.failure.Swap(nil)
	p.busy.Store(false)
	if failed != nil {
		panic(failed.value)
	}
}

// dismiss sends helpers away that have not begun when all pieces are taken: on a machine
// with other work it may be long until they get a processor.
func (p *pool) dismiss(helpers int) {
	for _, w := range p.all[:helpers] {
		if w.state.CompareAndSwap(called, idle) {
			p.left.Add(-1)
			p.done.Done()
		}
	}
}

// work takes pieces until none is left. After a panic the other pieces are dropped.
func (p *pool) work(worker int) {
	defer func() {
		if v := recover(); v != nil {
			p.next.Store(p.pieces)
			p.failure.CompareAndSwap(nil, &failure{v})
		}
	}()
	for {
		piece := p.next.Add(1) - 1
		if piece >= p.pieces {
			return
		}
		p.task.Piece(int(piece), worker)
	}
}

func (w *worker) serve(p *pool) {
	for {
		w.await()
		p.work(w.id)
		w.state.Store(idle)
		p.left.Add(-1)
		p.done.Done()
	}
}

// await returns when the worker is called, and makes it busy. A call that woke it may have
// been withdrawn: then it goes on waiting.
func (w *worker) await() {
	for {
		for i := range spins {
			if w.state.Load() == called && w.state.CompareAndSwap(called, busy) {
				return
			}
			relax(i)
		}
		if w.state.CompareAndSwap(idle, parked) {
			<-w.wake
		}
	}
}

// relax lets time pass, and now and then another goroutine.
func relax(i int) {
	if i%16 == 15 {
		runtime.Gosched()
		return
	}
	pause()
}

// freeList keeps scratch structures for the next call. Unlike sync.Pool it never lets
// the collector take them, so that the steady state allocates nothing; it holds as many
// as were in use at once.
type freeList[T any] struct {
	mu   sync.Mutex
	free []*T
}

func (l *freeList[T]) get() *T {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.free); n > 0 {
		t := l.free[n-1]
		l.free = l.free[:n-1]
		return t
	}
	return new(T)
}

func (l *freeList[T]) put(t *T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free = append(l.free, t)
}
