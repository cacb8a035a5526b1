package index

import (
	"context"
	"math/bits"
	"sync/atomic"

	"github.com/pkg/errors"

	"medusa/internal/cpu/loops"
	"medusa/internal/nearest"
	"medusa/metrics"
)

// signs appends a bit for each number of a vector, set where it is above 0.
func signs(to []uint64, v []float32) []uint64 {
	for first := 0; first < len(v); first += 64 {
		word := uint64(0)
		for i, x := range v[first:min(first+64, len(v))] {
			if x > 0 {
				word |= 1 << i
			}
		}
		to = append(to, word)
	}
	return to
}

// words is how many words the bits of a vector take.
func (s *store) words() int { return (s.dim + 63) / 64 }

// signed writes +1 and −1 for bits.
func signed(dst []float32, bits []uint64) {
	for i := range dst {
		dst[i] = -1
		if bits[i>>6]>>(i&63)&1 != 0 {
			dst[i] = 1
		}
	}
}

// hamming finds the items with the fewest bits that differ from those of each query.
func (x *Index) hamming(ctx context.Context, s *snapshot, queries []float32, o SearchOptions, hidden []*mask, hits [][]Hit) error {
	const together = 8 // queries that are compared with a chunk while it is in the cache
	var stopped atomic.Bool
	loops.Parallel(len(hits), together, func(lo, hi int) {
		heaps, wanted := make([]nearest.Heap, hi-lo), make([][]uint64, hi-lo)
		for i := range heaps {
			heaps[i].Reset(o.K, s.id)
			wanted[i] = signs(nil, queries[(lo+i)*x.options.Dim:(lo+i+1)*x.options.Dim])
		}
		for c, chunk := range s.chunks {
			if ctx.Err() != nil {
				stopped.Store(true)
				return
			}
			for i := range heaps {
				chunk.nearestBits(&heaps[i], wanted[i], hidden[c], int32(c*chunkRows), o.K)
			}
		}
		for i := range heaps {
			hits[lo+i] = s.hits(heaps[i].Sorted(), metrics.Dot) // whose keys are distances themselves
		}
	})
	if stopped.Load() {
		return errors.Wrap(ctx.Err(), "index: the search stopped")
	}
	return nil
}

// nearestBits offers the rows of a chunk, the first of which has that number, to the k nearest.
func (c *chunk) nearestBits(heap *nearest.Heap, query []uint64, hidden *mask, first int32, k int) {
	if k == 0 {
		return
	}
	limit, words := 1<<30, len(query)
	if heap.Full() {
		limit = int(heap.Farthest())
	}
	for at := range c.len() {
		row, differ := c.bits[at*words:at*words+words], 0
		for i, w := range query {
			differ += bits.OnesCount64(w ^ row[i])
		}
		if differ > limit || hidden.has(at) {
			continue
		}
		if heap.Offer(nearest.Ranked{Key: float64(differ), Row: first + int32(at)}) && heap.Full() {
			limit = int(heap.Farthest())
		}
	}
}
