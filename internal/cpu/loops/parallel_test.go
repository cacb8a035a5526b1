package loops

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func withThreads(t testing.TB, n int) {
	old := threads.Load()
	SetThreads(n)
	t.Cleanup(func() { threads.Store(old) })
}

type countTask struct {
	seen   []atomic.Int32 // by piece
	inside []atomic.Int32 // by worker: 1 while one of its pieces runs
	clash  atomic.Bool
}

func (c *countTask) Piece(piece, worker int) {
	if c.inside[worker].Add(1) != 1 {
		c.clash.Store(true)
	}
	c.seen[piece].Add(1)
	runtime.Gosched()
	c.inside[worker].Add(-1)
}

func TestDoRunsEveryPieceOnce(t *testing.T) {
	for _, n := range []int{1, 2, 3, 8} {
		withThreads(t, n)
		for _, pieces := range []int{0, 1, 2, 7, 1000} {
			c := &countTask{seen: make([]atomic.Int32, pieces), inside: make([]atomic.Int32, n)}
			Do(pieces, c)
			for i := range c.seen {
				require.EqualValues(t, 1, c.seen[i].Load(), "%d threads, piece %d of %d", n, i, pieces)
			}
			require.False(t, c.clash.Load(), "two pieces with one worker's number")
		}
	}
}

func TestParallelFromManyGoroutinesAndNested(t *testing.T) {
	withThreads(t, 4)
	var sum atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				Parallel(10, 3, func(lo, hi int) {
					Parallel(hi-lo, 1, func(lo, hi int) { sum.Add(int64(hi - lo)) })
				})
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 8*50*10, sum.Load())
}

func TestPanicComesOutOfDo(t *testing.T) {
	withThreads(t, 3)
	for range 20 {
		assert.PanicsWithValue(t, "piece 5", func() {
			Parallel(100, 1, func(lo, _ int) {
				if lo == 5 {
					panic("piece 5")
				}
			})
		})
	}
	var n atomic.Int32
	Parallel(9, 1, func(_, _ int) { n.Add(1) })
	assert.EqualValues(t, 9, n.Load(), "the workers go on after a panic")
}

func TestDoAllocatesNothing(t *testing.T) {
	withThreads(t, 2)
	c := &countTask{seen: make([]atomic.Int32, 50), inside: make([]atomic.Int32, 2)}
	assert.Zero(t, testing.AllocsPerRun(100, func() { Do(50, c) }))
	body := func(_, _ int) {}
	assert.Zero(t, testing.AllocsPerRun(100, func() { Parallel(50, 1, body) }))
}

func BenchmarkDo(b *testing.B) {
	for b.Loop() {
		Parallel(2, 1, func(_, _ int) {})
	}
}
