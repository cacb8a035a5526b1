package index

import (
	"math"
	"slices"

	"medusa/internal/cpu/loops"
	"medusa/metrics"
)

// A near is a row and how far it is from what is looked for, as one number: nearer rows are
// smaller numbers.
type near uint64

func nearOf(value float32, row int32) near {
	b := math.Float32bits(value)
	if b>>31 != 0 {
		b = ^b
	} else {
		b |= 1 << 31
	}
	return near(b)<<32 | near(uint32(row))
}

func (n near) row() int32 { return int32(uint32(n)) }

func (n near) value() float32 {
	b := uint32(n >> 32)
	if b>>31 != 0 {
		b &^= 1 << 31
	} else {
		b = ^b
	}
	return math.Float32frombits(b)
}

// nearHeap has the smallest number on top, or with bits turned the largest.
type nearHeap []near

func (h *nearHeap) push(n near) {
	s := append(*h, n)
	i := len(s) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if s[parent] <= n {
			break
		}
		s[i] = s[parent]
		i = parent
	}
	s[i] = n
	*h = s
}

// pop takes the top away.
func (h *nearHeap) pop() near {
	s := *h
	top, last := s[0], s[len(s)-1]
	s = s[:len(s)-1]
	*h = s
	if len(s) > 0 {
		s.sink(last)
	}
	return top
}

// sink puts n where the top was.
func (s nearHeap) sink(n near) {
	i := 0
	for {
		child := 2*i + 1
		if child >= len(s) {
			break
		}
		if child+1 < len(s) && s[child+1] < s[child] {
			child++
		}
		if s[child] >= n {
			break
		}
		s[i] = s[child]
		i = child
	}
	s[i] = n
}

// walker goes through a graph. It is one goroutine's.
type walker struct {
	rowReader
	g       *graph
	hidden  []*mask // rows that are not to be found; nil for none
	visited []uint16
	round   uint16 // what visited says of a row that was seen

	query  []float32
	length float64

	todo   nearHeap
	found  nearHeap // turned: the farthest on top
	linked []int32
	fresh  []int32
	values []float32
}

// rowReader knows where the vectors of a snapshot are.
type rowReader struct {
	distance metrics.Distance
	dim      int
	rows     int
	stores   []*store // by chunk
	norms    [][]float64
	memory   [slots][]float32 // for rows that are not kept as float32
}

// Slots of memory for rows: the first four are of compare.
const (
	slotAim = 4 + iota
	slotOther
	slots
)

func (r *rowReader) read(s *snapshot, d metrics.Distance) {
	r.distance, r.rows, r.stores, r.norms = d, s.rows, r.stores[:0], r.norms[:0]
	for _, c := range s.chunks {
		r.dim = c.dim
		r.stores, r.norms = append(r.stores, &c.store), append(r.norms, c.norms)
	}
}

// vector is a row, until another one is read to the same slot.
func (r *rowReader) vector(row int32, slot int) []float32 {
	c, at := split(row)
	return r.stores[c].rows(at, at+1, &r.memory[slot])
}

func (r *rowReader) norm(row int32) float64 {
	c, at := split(row)
	return r.norms[c][at]
}

// vectors is those of the first four rows, the last of them standing for those that are not there.
func (r *rowReader) vectors(to *[4][]float32, rows []int32) {
	for i := range to {
		if len(rows) > 0 {
			to[i] = r.vector(rows[min(i, len(rows)-1)], i)
		}
	}
}

// compare writes how far rows are from a vector of that length.
func (r *rowReader) compare(values []float32, query []float32, length float64, rows []int32) []float32 {
	values = values[:0]
	if len(rows) == 0 {
		return values
	}
	ahead := r.stores[0].storage == Float32 // else rows are made, of less memory
	var four, next [4][]float32
	var dots [4]float32
	r.vectors(&next, rows)
	for i := 0; i < len(rows); i += 4 {
		four = next
		if ahead && i+4 < len(rows) {
			r.vectors(&next, rows[i+4:])
			loops.FetchFour(&next)
		}
		loops.DotFour(&dots, query, &four)
		for j, row := range rows[i:min(i+4, len(rows))] {
			values = append(values, r.value(dots[j], length, r.norm(row)))
		}
		if !ahead {
			r.vectors(&next, rows[min(i+4, len(rows)):])
		}
	}
	return values
}

// value is a number that orders like the distance, from a product of rows and their lengths.
func (r *rowReader) value(dot float32, a, b float64) float32 {
	switch r.distance {
	case metrics.Euclidean:
		return float32(a*a+b*b) - 2*dot
	case metrics.Cosine:
		if a == 0 || b == 0 {
			return 0
		}
		return -dot / float32(a*b)
	}
	return -dot
}

func newWalker(s *snapshot, g *graph, d metrics.Distance) *walker {
	w := &walker{g: g, visited: make([]uint16, s.rows)}
	w.rowReader.read(s, d)
	return w
}

// aim says what is looked for.
func (w *walker) aim(query []float32, length float64) { w.query, w.length = query, length }

// descend goes from the entry down to the level, to the nearest row that it comes by.
func (w *walker) descend(entry int32, top, level int) near {
	w.values = w.compare(w.values, w.query, w.length, []int32{entry})
	at := nearOf(w.values[0], entry)
	for l := top; l > level; l-- {
		for moved := true; moved; {
			moved = false
			w.linked = read(w.linked[:0], w.g.list(at.row(), l), w.rows)
			w.values = w.compare(w.values, w.query, w.length, w.linked)
			for i, row := range w.linked {
				if n := nearOf(w.values[i], row); n>>32 < at>>32 {
					at, moved = n, true
				}
			}
		}
	}
	return at
}

// search looks at a level for the effort nearest rows, from those of entries on; see Algorithm 2 of
// the paper. The result is turned: its farthest row is on top.
func (w *walker) search(entries []near, effort, level int) nearHeap {
	w.round++
	if w.round == 0 {
		clear(w.visited)
		w.round = 1
	}
	w.todo, w.found = w.todo[:0], w.found[:0]
	for _, e := range entries {
		w.visited[e.row()] = w.round
		w.todo.push(e)
		w.take(e, effort)
	}
	for len(w.todo) > 0 {
		at := w.todo.pop()
		if len(w.found) >= effort && at > ^w.found[0] {
			break
		}
		w.linked = read(w.linked[:0], w.g.list(at.row(), level), w.rows)
		w.fresh = w.fresh[:0]
		for _, row := range w.linked {
			if w.visited[row] != w.round {
				w.visited[row] = w.round
				w.fresh = append(w.fresh, row)
			}
		}
		w.values = w.compare(w.values, w.query, w.length, w.fresh)
		for i, row := range w.fresh {
			if n := nearOf(w.values[i], row); len(w.found) < effort || n < ^w.found[0] {
				w.todo.push(n)
				w.take(n, effort)
			}
		}
	}
	return w.found
}

// take adds a row to what is found, if it may be, and leaves the nearest.
func (w *walker) take(n near, effort int) {
	if w.hidden != nil {
		if c, at := split(n.row()); w.hidden[c].has(at) {
			return
		}
	}
	if len(w.found) < effort {
		w.found.push(^n)
	} else if n < ^w.found[0] {
		w.found.sink(^n)
	}
}

// ordered turns what was found, the nearest first.
func (w *walker) ordered() []near {
	for i, n := range w.found {
		w.found[i] = ^n
	}
	slices.Sort(w.found)
	return w.found
}
