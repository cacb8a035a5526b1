package index

import (
	"sync"
	"sync/atomic"

	"medusa/internal/nearest"
)

// packed is a chunk's rows in bytes, by which a few queries are compared with all items. They are made when a chunk is
// searched for the second time: who searches once waits for nothing.
type packed struct {
	searched atomic.Bool
	once     sync.Once
	bytes    *nearest.Bytes // nil if they are of no use
}

// few is the rows of the chunk in bytes; nil if they are not there.
func (c *chunk) few(d nearest.Distance) *nearest.Bytes {
	p := c.packed
	if !p.searched.Swap(true) {
		return nil
	}
	p.once.Do(func() {
		p.bytes = nearest.PackBytes(d, c.rows(0, c.len(), new([]float32)), c.norms, c.dim)
	})
	return p.bytes
}
