package nearest

import (
	"cmp"
	"math"
	"slices"
)

// Ranked is a gallery row with its key.
type Ranked struct {
	Key float64
	Row int32
}

// Compare orders by key, ties by the lower row.
func Compare(a, b Ranked) int {
	if c := cmp.Compare(a.Key, b.Key); c != 0 {
		return c
	}
	return cmp.Compare(a.Row, b.Row)
}

// Heap holds the nearest of the rows offered so far, the farthest of them on top. Its zero
// value holds none; Reset says how many it may.
type Heap struct {
	k     int
	id    func(row int32) uint64
	rows  []Ranked
	least float64 // key of a row that was turned away or pushed out
}

// Reset forgets all rows, and lets the heap hold k. Rows of one key rank by their id, or by
// their number where id is nil.
func (h *Heap) Reset(k int, id func(row int32) uint64) {
	h.k, h.id, h.rows, h.least = k, id, h.rows[:0], math.Inf(1)
}

// Full reports whether the heap holds as many rows as it may.
func (h *Heap) Full() bool { return len(h.rows) == h.k }

// Farthest is the key of the farthest row held; there must be one.
func (h *Heap) Farthest() float64 { return h.rows[0].Key }

// Least is the least key of a row that found no room, infinite if there is none.
func (h *Heap) Least() float64 { return h.least }

// Offer takes a row in if it is among the k nearest so far, and reports whether it is.
func (h *Heap) Offer(r Ranked) bool {
	switch {
	case len(h.rows) < h.k:
		h.rows = append(h.rows, r)
		h.rise(len(h.rows) - 1)
	case h.k > 0 && h.compare(r, h.rows[0]) < 0:
		h.least = min(h.least, h.rows[0].Key)
		h.rows[0] = r
		h.sink(0)
	default:
		h.least = min(h.least, r.Key)
		return false
	}
	return true
}

// Sorted is the rows held, nearest first, until the next Reset. It ends offers.
func (h *Heap) Sorted() []Ranked {
	slices.SortFunc(h.rows, h.compare)
	return h.rows
}

func (h *Heap) compare(a, b Ranked) int {
	switch {
	case a.Key < b.Key:
		return -1
	case a.Key > b.Key:
		return 1
	case h.id != nil:
		return cmp.Compare(h.id(a.Row), h.id(b.Row))
	}
	return Compare(a, b)
}

func (h *Heap) rise(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if h.compare(h.rows[parent], h.rows[i]) >= 0 {
			return
		}
		h.rows[parent], h.rows[i] = h.rows[i], h.rows[parent]
		i = parent
	}
}

func (h *Heap) sink(i int) {
	for {
		child := 2*i + 1
		if child >= len(h.rows) {
			return
		}
		if right := child + 1; right < len(h.rows) && h.compare(h.rows[right], h.rows[child]) > 0 {
			child = right
		}
		if h.compare(h.rows[i], h.rows[child]) >= 0 {
			return
		}
		h.rows[i], h.rows[child] = h.rows[child], h.rows[i]
		i = child
	}
}
