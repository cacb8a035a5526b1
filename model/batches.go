package model

import (
	"math/bits"
	"sync"
	"time"
)

// Batches is what a Model has computed since it was loaded: how well requests share batches, and how much of
// the time it computes. A picture that is seen in several views counts once for each.
type Batches struct {
	Count    int64         // batches
	Pictures int64         // in them all
	Time     time.Duration // that computing them took
	Sizes    [7]int64      // batches of 1, 2, up to 4, 8, 16, 32 and 64 pictures
}

// Batches counts what the model has computed until now.
func (m *Model) Batches() Batches { return m.net.counts.now() }

// batchCounts is Batches as they grow.
type batchCounts struct {
	mu sync.Mutex
	Batches
}

func (c *batchCounts) add(pictures int, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Count++
	c.Pictures += int64(pictures)
	c.Time += took
	c.Sizes[min(bits.Len(uint(max(pictures-1, 0))), len(c.Sizes)-1)]++
}

func (c *batchCounts) now() Batches {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Batches
}
