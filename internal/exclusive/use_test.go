package exclusive

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestUseIsOneAtATime(t *testing.T) {
	var u Use
	require.NoError(t, u.Begin("pot"))
	require.EqualError(t, u.Begin("pot"), "pot is used by another goroutine at this moment: give every goroutine one of its own, or put a lock around it")
	u.End()
	require.NoError(t, u.Begin("pot"))

	waited := make(chan struct{})
	go func() {
		u.Await()
		close(waited)
	}()
	select {
	case <-waited:
		t.Fatal("two use it")
	case <-time.After(10 * time.Millisecond):
	}
	u.End()
	<-waited
	require.Error(t, u.Begin("pot"))
	u.End()
}

// Whatever happens between Begin and End, happens to one goroutine.
func TestUseOfManyGoroutines(t *testing.T) {
	var u Use
	var refused atomic.Int64
	inside, done := 0, 0
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 200 {
				if u.Begin("pot") != nil {
					refused.Add(1)
					continue
				}
				inside++
				if inside != 1 {
					t.Error("two are inside")
				}
				inside--
				done++
				u.End()
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 50*200, int64(done)+refused.Load())
}
