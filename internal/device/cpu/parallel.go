package cpu

import (
	"runtime"
	"sync"
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
	workers := min(Threads(), pieces)
	if workers == 1 {
		for lo := 0; lo < n; lo += grain {
			body(lo, min(lo+grain, n))
		}
		return
	}
	var next atomic.Int64
	work := func() {
		for {
			p := int(next.Add(1)) - 1
			if p >= pieces {
				return
			}
			body(p*grain, min((p+1)*grain, n))
		}
	}
	var wg sync.WaitGroup
	for range workers - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}
