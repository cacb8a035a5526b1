package index

import (
	"math/bits"
	"slices"
	"sort"
	"unsafe"

	"medusa/internal/nearest"
)

const (
	chunkRows  = 4096
	chunkWords = chunkRows / 64
	maxRows    = 1<<31 - 1 // that a row's number can be
)

// chunk is chunkRows rows, or fewer in the last chunk of a snapshot. It is never changed: who
// adds rows makes a chunk with longer slices, whose memory it may share.
type chunk struct {
	ids    []uint64
	norms  []float64 // ‖row‖
	labels []int32   // numbers of texts in snapshot.labels
	ends   []uint64  // where the record of each row ends in texts
	texts  []byte
	packed *packed
	store
}

func (c *chunk) len() int { return len(c.ids) }

func (c *chunk) record(i int) record {
	first := c.ends[0] // of the one before row 0
	return record{rest: c.texts[c.ends[i]-first : c.ends[i+1]-first]}
}

// mask has a bit for each row of a chunk.
type mask [chunkWords]uint64

func (m *mask) has(i int) bool { return m != nil && m[i>>6]>>(i&63)&1 != 0 }

// snapshot is all rows at one moment. It is never changed.
type snapshot struct {
	file    *mapping // what chunks may be parts of
	chunks  []*chunk
	removed []*mask // one a chunk, nil where nothing was removed
	rows    int     // removed ones too
	live    int     // those that were not removed
	labels  []string
	graph   *graph // nil if none was built
	last    uint64 // largest ID of items that were removed before, and have no row any more
}

// lastID is the largest ID that an item has or had.
func (s *snapshot) lastID() uint64 {
	last := s.last
	for _, c := range s.chunks {
		if len(c.ids) > 0 {
			last = max(last, slices.Max(c.ids))
		}
	}
	return last
}

func split(row int32) (chunk, at int) { return int(row) / chunkRows, int(row) % chunkRows }

func (s *snapshot) id(row int32) uint64 {
	c, at := split(row)
	return s.chunks[c].ids[at]
}

func (s *snapshot) isRemoved(row int32) bool {
	c, at := split(row)
	return s.removed[c].has(at)
}

// item is a copy of a row.
func (s *snapshot) item(row int32) Item {
	c, at := split(row)
	chunk := s.chunks[c]
	it := s.facts(chunk, at)
	it.Vector = chunk.vector(at, make([]float32, chunk.dim))
	return it
}

// facts is a row without its vector.
func (s *snapshot) facts(c *chunk, at int) Item {
	r := c.record(at)
	it := Item{ID: c.ids[at], Label: s.labels[c.labels[at]], Path: string(r.text())}
	r.each(func(key, value []byte) bool {
		if it.Meta == nil {
			it.Meta = map[string]string{}
		}
		it.Meta[string(key)] = string(value)
		return true
	})
	return it
}

// sortedRow finds an id among the first rows, whose ids ascend.
func (s *snapshot) sortedRow(id uint64, rows int) (int32, bool) {
	row := sort.Search(rows, func(i int) bool { return s.id(int32(i)) >= id })
	return int32(row), row < rows && s.id(int32(row)) == id
}

// appendRow adds an item to the last chunk, or a new one; put adds its vector and norm. Snapshots before
// see nothing of it.
func (s *snapshot) appendRow(it *Item, label int32, o *Options, put func(*chunk)) {
	last := len(s.chunks) - 1
	if last < 0 || s.chunks[last].len() == chunkRows {
		s.chunks = append(s.chunks, &chunk{ends: []uint64{0}, packed: new(packed), store: newStore(o)})
		s.removed = append(s.removed, nil)
		last++
	}
	c := s.chunks[last]
	c.ids = append(c.ids, it.ID)
	c.labels = append(c.labels, label)
	c.texts = appendRecord(c.texts, it)
	c.ends = append(c.ends, c.ends[0]+uint64(len(c.texts)))
	put(c)
	s.rows++
	s.live++
}

// next is a copy that appendRow and remove may be called on.
func (s *snapshot) next() *snapshot {
	n := *s
	n.chunks = append([]*chunk(nil), s.chunks...)
	n.removed = append([]*mask(nil), s.removed...)
	if last := len(n.chunks) - 1; last >= 0 && n.chunks[last].len() < chunkRows {
		c := *n.chunks[last]
		c.packed = new(packed)
		n.chunks[last] = &c
	}
	return &n
}

// remove marks a row. own has the chunks whose mask is no one else's.
func (s *snapshot) remove(row int32, own map[int]bool) {
	c, at := split(row)
	if !own[c] {
		m := new(mask)
		if s.removed[c] != nil {
			*m = *s.removed[c]
		}
		s.removed[c], own[c] = m, true
	}
	s.removed[c][at>>6] |= 1 << (at & 63)
	s.live--
}

// scan shows the rows of a snapshot to a Finder.
type scan struct {
	*snapshot
	hidden []*mask
	tile   int  // rows
	floats bool // vectors as they came, and not as searches over the graph see them
	few    bool // queries

	rest   nearest.Tile // rows that stand far apart, to be multiplied at once
	memory []float32
	norms  []float64
}

// run shows all rows but the hidden ones, some hundred at a time. It stops at the error of each.
func (s *scan) run(f *nearest.Finder, each func() error) error {
	for i, c := range s.chunks {
		bytes, tile := (*nearest.Bytes)(nil), s.tile
		if s.few && (!s.floats || c.storage == Float32) {
			if bytes = c.few(f.Distance()); bytes != nil {
				tile = chunkRows
			}
		}
		for first := 0; first < c.len(); first += tile {
			if err := each(); err != nil {
				return err
			}
			s.show(f, i, first, min(first+tile, c.len()), bytes)
		}
	}
	s.flush(f)
	return nil
}

// show shows rows of a chunk; bytes, if they are there, are those of all.
func (s *scan) show(f *nearest.Finder, chunk, first, end int, bytes *nearest.Bytes) {
	c := s.chunks[chunk]
	t := nearest.Tile{First: int32(chunk*chunkRows + first), Bytes: bytes}
	if s.hidden[chunk] != nil {
		t.Hidden = s.hidden[chunk][first>>6:]
		seen := visible(t.Hidden, end-first)
		if seen == 0 {
			return
		}
		if seen < (end-first)/4 {
			s.gather(c, t, first, end)
			if len(s.rest.Numbers) >= s.tile {
				s.flush(f)
			}
			return
		}
	}
	if bytes != nil && f.Takes(bytes) {
		t.Norms, t.Row = c.norms, func(i int, scratch *[]float32) []float32 { return c.rows(i, i+1, scratch) }
	} else {
		t.Rows, t.Norms = s.read(c, first, end)
	}
	f.Show(t)
}

// read is rows and their lengths, until it is called again.
func (s *scan) read(c *chunk, first, end int) ([]float32, []float64) {
	if !s.floats || c.storage == Float32 {
		return c.rows(first, end, &s.memory), c.norms[first:end]
	}
	if cap(s.norms) < end-first {
		s.norms = make([]float64, end-first)
	}
	rows, norms := c.floats[first*c.dim:end*c.dim], s.norms[:end-first]
	nearest.Norms(norms, rows, c.dim)
	return rows, norms
}

// gather takes the rows that are not hidden to those that are shown later.
func (s *scan) gather(c *chunk, t nearest.Tile, first, end int) {
	for i := range end - first {
		if t.Hidden[i>>6]>>(i&63)&1 == 0 {
			rows, norms := s.read(c, first+i, first+i+1)
			s.rest.Rows, s.rest.Norms = append(s.rest.Rows, rows...), append(s.rest.Norms, norms...)
			s.rest.Numbers = append(s.rest.Numbers, t.First+int32(i))
		}
	}
}

func (s *scan) flush(f *nearest.Finder) {
	f.Show(s.rest)
	s.rest = nearest.Tile{Rows: s.rest.Rows[:0], Norms: s.rest.Norms[:0], Numbers: s.rest.Numbers[:0]}
}

// visible is how many of the first n bits are not set.
func visible(hidden []uint64, n int) int {
	seen := n
	for i := 0; i < n; i += 64 {
		word := hidden[i>>6]
		if n-i < 64 {
			word &= 1<<(n-i) - 1
		}
		seen -= bits.OnesCount64(word)
	}
	return seen
}

// bytesOf is memory as bytes, and back.
func bytesOf[T any](s []T) []byte {
	var zero T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(zero)))
}
