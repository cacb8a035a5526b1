package index

import (
	"math/bits"
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

// appendRow adds an item to the last chunk, or a new one. Snapshots before see nothing of it.
func (s *snapshot) appendRow(it *Item, label int32, o *Options) {
	last := len(s.chunks) - 1
	if last < 0 || s.chunks[last].len() == chunkRows {
		s.chunks = append(s.chunks, &chunk{ends: []uint64{0}, store: newStore(o)})
		s.removed = append(s.removed, nil)
		last++
	}
	c := s.chunks[last]
	c.ids = append(c.ids, it.ID)
	c.labels = append(c.labels, label)
	c.texts = appendRecord(c.texts, it)
	c.ends = append(c.ends, c.ends[0]+uint64(len(c.texts)))
	c.norms = append(c.norms, c.add(it.Vector))
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

// scan shows all rows but the hidden ones to f, some hundred at a time. It stops at the error
// of each.
func (s *snapshot) scan(f *nearest.Finder, hidden []*mask, tileRows int, each func() error) error {
	var rest gathered
	for i, c := range s.chunks {
		for first := 0; first < c.len(); first += tileRows {
			if err := each(); err != nil {
				return err
			}
			end := min(first+tileRows, c.len())
			tile := nearest.Tile{Norms: c.norms[first:end], First: int32(i*chunkRows + first)}
			if hidden[i] != nil {
				tile.Hidden = hidden[i][first>>6:]
				seen := visible(tile.Hidden, end-first)
				if seen == 0 {
					continue
				}
				if seen < (end-first)/4 {
					rest.take(c, tile, end-first)
					if len(rest.tile.Numbers) >= tileRows {
						rest.show(f)
					}
					continue
				}
			}
			tile.Rows = c.rows(first, end)
			f.Show(tile)
		}
	}
	rest.show(f)
	return nil
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

// gathered is rows that stand far apart, to be multiplied at once.
type gathered struct{ tile nearest.Tile }

func (g *gathered) take(c *chunk, t nearest.Tile, n int) {
	for i := range n {
		if t.Hidden[i>>6]>>(i&63)&1 == 0 {
			at := int(t.First)%chunkRows + i
			g.tile.Rows = append(g.tile.Rows, c.rows(at, at+1)...)
			g.tile.Norms = append(g.tile.Norms, t.Norms[i])
			g.tile.Numbers = append(g.tile.Numbers, t.First+int32(i))
		}
	}
}

func (g *gathered) show(f *nearest.Finder) {
	f.Show(g.tile)
	g.tile.Rows, g.tile.Norms, g.tile.Numbers = g.tile.Rows[:0], g.tile.Norms[:0], g.tile.Numbers[:0]
}

// bytesOf is memory as bytes, and back.
func bytesOf[T any](s []T) []byte {
	var zero T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(zero)))
}
