package index

import (
	"hash/crc32"
	"io"
	"sync"
	"sync/atomic"

	"github.com/pkg/errors"

	"medusa/internal/cpu/loops"
	"medusa/internal/fileread"
)

// Open opens a file that Save wrote. It takes milliseconds, however large the file is: items are
// read where they stand in the file, whose memory is shared by all programs that have it open.
// What the file holds is compared with its checksums by the first method that needs items, and
// whatever is wrong with it is a *DamageError, there or here.
//
// The items may be changed, which changes nothing in the file; see Save. The memory of the file is given back when
// neither the Index nor its Results are in use. On systems without memory maps, and on Windows, where an open
// file could not be replaced, the file is read into memory.
func Open(path string) (*Index, error) {
	if bigEndian {
		return nil, errors.Wrapf(errBigEndian, "index: %s", path)
	}
	m, err := mapFile(resolved(path))
	if err != nil {
		return nil, errors.Wrap(err, "index")
	}
	x, err := m.index()
	if err != nil {
		return nil, errors.WithStack(&DamageError{path, err})
	}
	return x, nil
}

// IsIndex reports whether a file begins as one that Save wrote.
func IsIndex(path string) bool {
	f, err := fileread.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, len(magic))
	_, err = io.ReadFull(f, head)
	return err == nil && string(head) == magic
}

// mapping is the content of a file.
type mapping struct {
	path  string
	data  []byte
	table *table
	read  *snapshot // as it was opened

	checked sync.Once
	damage  error
}

// index is the items of the file; sizes were checked, contents not.
func (m *mapping) index() (*Index, error) {
	t, err := decodeTable(m.data)
	if err != nil {
		return nil, err
	}
	x := &Index{options: Options{Dim: t.Dim, Model: t.Model, ModelPath: usedPath(t.Where, m.path), KeepFloats: t.Floats}, rowOf: map[uint64]int32{}, sorted: t.Rows}
	if err := x.options.Distance.UnmarshalText([]byte(t.Distance)); err != nil {
		return nil, err
	}
	if err := x.options.Storage.UnmarshalText([]byte(t.Storage)); err != nil {
		return nil, err
	}
	if err := x.options.check(); err != nil {
		return nil, err
	}
	if t.Rows < 0 || t.Rows > maxRows {
		return nil, errors.Errorf("the file says that it has %d rows", t.Rows)
	}
	s, err := m.snapshot(t, &x.options)
	if err != nil {
		return nil, err
	}
	m.table, m.read = t, s
	x.now.Store(s)
	return x, nil
}

func (m *mapping) snapshot(t *table, o *Options) (*snapshot, error) {
	var all chunk
	var err error
	get := func(e error) {
		if err == nil {
			err = e
		}
	}
	var e error
	all.ids, e = part[uint64](m.data, t, "ids", int64(t.Rows))
	get(e)
	all.norms, e = part[float64](m.data, t, "norms", int64(t.Rows))
	get(e)
	all.labels, e = part[int32](m.data, t, "labels", int64(t.Rows))
	get(e)
	all.ends, e = part[uint64](m.data, t, "ends", int64(t.Rows)+1)
	get(e)
	all.texts, e = part[byte](m.data, t, "texts", -1)
	get(e)
	names, e := part[byte](m.data, t, "names", -1)
	get(e)
	all.store, e = openStore(m.data, t, o)
	get(e)
	if err != nil {
		return nil, err
	}
	s := &snapshot{file: m, rows: t.Rows, live: t.Rows, last: t.Last}
	if t.Graph != nil {
		if s.graph, err = openGraph(m.data, t); err != nil {
			return nil, err
		}
	}
	if s.labels, err = decodeNames(names, t.Names); err != nil {
		return nil, err
	}
	for first := 0; first < t.Rows; first += chunkRows {
		end := min(first+chunkRows, t.Rows)
		c := &chunk{
			ids: all.ids[first:end:end], norms: all.norms[first:end:end], labels: all.labels[first:end:end],
			ends: all.ends[first : end+1 : end+1], packed: new(packed), store: all.store.part(first, end),
		}
		// The ends are used before they were checked: here, for texts of the chunk alone.
		if from, to := c.ends[0], c.ends[len(c.ends)-1]; from <= to && to <= uint64(len(all.texts)) {
			c.texts = all.texts[from:to:to]
		} else {
			return nil, errors.New("the texts of items lie outside the file")
		}
		s.chunks, s.removed = append(s.chunks, c), append(s.removed, nil)
	}
	return s, nil
}

func decodeNames(b []byte, count int) ([]string, error) {
	if count < 0 || count > len(b) {
		return nil, errors.Errorf("the file says that it has %d labels", count)
	}
	names, r := make([]string, count), record{rest: b}
	for i := range names {
		names[i] = string(r.text())
	}
	if r.bad || len(r.rest) > 0 {
		return nil, errors.New("the labels are cut off")
	}
	return names, nil
}

// check compares the content with its checksums, and makes sure that it is what it should be,
// when it is called for the first time.
func (m *mapping) check() error {
	m.checked.Do(func() {
		err := m.checkSums()
		if err == nil {
			err = m.read.check()
		}
		if err != nil {
			m.damage = &DamageError{m.path, err}
		}
	})
	if m.damage == nil {
		return nil
	}
	return errors.WithStack(m.damage)
}

func (m *mapping) checkSums() error {
	type block struct {
		data []byte
		sum  uint32
		name string
	}
	var blocks []block
	for _, s := range m.table.Sections {
		data := m.data[s.Begin : s.Begin+s.Size]
		for _, sum := range s.Blocks {
			n := min(len(data), sumBlock)
			blocks, data = append(blocks, block{data[:n], sum, s.Name}), data[n:]
		}
	}
	return inParallel(len(blocks), func(i int) error {
		if b := blocks[i]; crc32.Checksum(b.data, castagnoli) != b.sum {
			return errors.Errorf("the checksum of the part %q does not match: the file was altered or damaged", b.name)
		}
		return nil
	})
}

// inParallel is an error of body(0), body(1), …, the first of them if there are several.
func inParallel(n int, body func(i int) error) error {
	errs := make([]error, n)
	var failed atomic.Bool
	loops.Parallel(n, 1, func(lo, _ int) {
		if !failed.Load() {
			errs[lo] = body(lo)
			failed.Store(failed.Load() || errs[lo] != nil)
		}
	})
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// check makes sure that no number of the rows of a file leads anywhere else.
func (s *snapshot) check() error {
	if g := s.graph; g != nil && g.entry >= 0 && g.level(g.entry) != g.top {
		return errors.New("the graph does not begin where it says")
	}
	return inParallel(len(s.chunks), func(i int) error {
		c := s.chunks[i]
		if i > 0 && c.len() > 0 && s.chunks[i-1].ids[chunkRows-1] >= c.ids[0] {
			return errors.New("IDs are not in order")
		}
		if err := c.check(len(s.labels)); err != nil {
			return err
		}
		if s.graph != nil {
			return s.graph.check(i, s.rows)
		}
		return nil
	})
}

func (c *chunk) check(labels int) error {
	for i, id := range c.ids {
		switch {
		case i > 0 && c.ids[i-1] >= id:
			return errors.New("IDs are not in order")
		case c.labels[i] < 0 || int(c.labels[i]) >= labels:
			return errors.Errorf("ID %d has a label that is not there", id)
		case c.ends[i] > c.ends[i+1] || c.ends[i+1] > c.ends[0]+uint64(len(c.texts)):
			return errors.Errorf("the text of ID %d lies outside the file", id)
		case !(c.norms[i] >= 0) || c.norms[i] > 0x1p+200: // a NaN, too
			return errors.Errorf("the vector of ID %d has length %v", id, c.norms[i])
		}
		if err := checkRecord(c.record(i).rest); err != nil {
			return errors.Wrapf(err, "ID %d", id)
		}
	}
	return errors.Wrapf(c.store.check(), "IDs %d to %d", c.ids[0], c.ids[len(c.ids)-1])
}
