package loops

import (
	"runtime"
	"sync/atomic"
)

var threads atomic.Int32 // 0: GOMAXPROCS

// SetThreads fixes the number of goroutines that a kernel may use; n < 1 means
// GOMAXPROCS. No result depends on it.
func SetThreads(n int) { threads.Store(int32(max(n, 0))) }

// Threads is the number of goroutines that a kernel may use.
func Threads() int {
	if n := int(threads.Load()); n > 0 {
		return n
	}
	return runtime.GOMAXPROCS(0)
}

// A Task is work cut into pieces that may run at once. The cut does not depend on the
// number of workers, and a piece writes only what is its own, so every number of
// threads gives the same result.
type Task interface {
	// Piece does one piece. At any time worker is different for all running pieces of
	// the task, and less than Threads(): it can choose scratch memory.
	Piece(piece, worker int)
}

// Do runs the pieces 0 … pieces−1 of a task and returns when all are done. It allocates
// nothing. A call from inside of a piece, or while another goroutine's task has the
// workers, runs on the caller's goroutine alone. A panic in a piece comes out of Do.
func Do(pieces int, task Task) { doAtMost(Threads(), pieces, task) }

// DoAtMost is Do with at most so many workers, for those who have scratch memory for no
// more: SetThreads may be called at any time.
func DoAtMost(limit, pieces int, task Task) { doAtMost(limit, pieces, task) }

func doAtMost(limit, pieces int, task Task) {
	helpers := min(limit, Threads(), pieces) - 1
	if helpers < 1 || !workers.busy.CompareAndSwap(false, true) {
		for i := range pieces {
			task.Piece(i, 0)
		}
		return
	}
	workers.do(pieces, helpers, task)
}

// Parallel calls body on [lo, hi) ranges that cover [0, n), each of grain items but for
// a shorter last one, and returns when all are done. The ranges depend on n and grain
// only, so a body that writes only its own range gives the same result for every
// number of threads.
func Parallel(n, grain int, body func(lo, hi int)) {
	if n <= 0 {
		return
	}
	grain = max(grain, 1)
	pieces := (n + grain - 1) / grain
	if pieces == 1 {
		body(0, n)
		return
	}
	task := ranges.get()
	*task = rangeTask{n: n, grain: grain, body: body}
	defer func() {
		*task = rangeTask{}
		ranges.put(task)
	}()
	Do(pieces, task)
}

// rangeTask is a loop over ranges of items.
type rangeTask struct {
	n, grain int
	body     func(lo, hi int)
}

var ranges freeList[rangeTask]

func (t *rangeTask) Piece(piece, _ int) {
	lo := piece * t.grain
	t.body(lo, min(lo+t.grain, t.n))
}
