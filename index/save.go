package index

import (
	"bufio"
	"context"
	"encoding/binary"
	"hash"
	"hash/crc32"
	"io"
	"runtime"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/field"
	"medusa/internal/filewrite"
	"medusa/internal/needs"
)

// Save writes the items to a file, whole or not at all; a file that was there is replaced, and
// programs that have it open keep what they have. Where path is a link, the file that it leads to is replaced.
// Items that were removed are left out.
func (x *Index) Save(ctx context.Context, path string) error {
	if err := needs.Context("index", ctx); err != nil {
		return err
	}
	if path == "" {
		return field.Errorf("index", "", "Save: the path is empty, want that of a file")
	}
	if bigEndian {
		return errors.Wrap(errBigEndian, "index")
	}
	path = resolved(path)
	if _, err := x.view(); err != nil {
		return err
	}
	s, g, err := x.mended(ctx)
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(s)
	order := s.order()
	if g != nil && (s.live < s.rows || !slices.IsSorted(order)) {
		g = g.renumbered(s, s.idsOf(order), order)
	}
	where, err := keptPath(x.Options().ModelPath, path)
	if err != nil {
		return err
	}
	err = filewrite.Whole(path, func(w io.Writer) error { return x.write(ctx, w, s, order, g, where) })
	return errors.Wrapf(err, "index: %s", path)
}

// mended is the items as they are, and their graph, which leads to no removed row.
func (x *Index) mended(ctx context.Context) (*snapshot, *graph, error) {
	if s := x.now.Load(); s.graph == nil || s.live == s.rows {
		return s, s.graph, nil
	}
	x.change.Lock()
	defer x.change.Unlock()
	s := x.now.Load()
	g, err := s.repaired(ctx, x.options.Distance)
	return s, g, err
}

// idsOf has nothing but the ids of rows.
func (s *snapshot) idsOf(rows []int32) *snapshot {
	n := new(snapshot)
	for first := 0; first < len(rows); first += chunkRows {
		c := new(chunk)
		for _, row := range rows[first:min(first+chunkRows, len(rows))] {
			c.ids = append(c.ids, s.id(row))
		}
		n.chunks = append(n.chunks, c)
	}
	return n
}

// write writes the rows in that order, their graph, if there is one, and where the model is.
func (x *Index) write(ctx context.Context, to io.Writer, s *snapshot, order []int32, g *graph, where []byte) error {
	w := &sectionWriter{to: bufio.NewWriterSize(to, 1<<20), ctx: ctx, sum: crc32.New(castagnoli)}
	w.bytes(encodeHead())
	names, number := s.sortedLabels(order)
	t := &table{Dim: x.options.Dim, Distance: x.options.Distance.String(), Model: x.options.Model, Where: where, Storage: x.options.Storage.String(), Floats: x.options.KeepFloats, Rows: len(order), Names: len(names)}
	if last := s.lastID(); len(order) == 0 || s.id(order[len(order)-1]) < last {
		t.Last = last
	}
	rows := func(name string, write func(c *chunk, at int)) {
		t.Sections = append(t.Sections, w.section(name, func() {
			for _, row := range order {
				c, at := split(row)
				write(s.chunks[c], at)
			}
		}))
	}
	rows("ids", func(c *chunk, at int) { w.bytes(bytesOf(c.ids[at : at+1])) })
	rows("norms", func(c *chunk, at int) { w.bytes(bytesOf(c.norms[at : at+1])) })
	rows("labels", func(c *chunk, at int) { w.bytes(bytesOf(number[c.labels[at]:][:1])) })
	t.Sections = append(t.Sections, w.section("names", func() {
		for _, l := range names {
			w.bytes(binary.AppendUvarint(nil, uint64(len(l))))
			w.bytes([]byte(l))
		}
	}))
	end := [1]uint64{}
	t.Sections = append(t.Sections, w.section("ends", func() {
		w.bytes(bytesOf(end[:]))
		for _, row := range order {
			c, at := split(row)
			end[0] += uint64(len(s.chunks[c].record(at).rest))
			w.bytes(bytesOf(end[:]))
		}
	}))
	rows("texts", func(c *chunk, at int) { w.bytes(c.record(at).rest) })
	dim := x.options.Dim
	if x.options.Storage == Float32 || x.options.KeepFloats {
		rows("floats", func(c *chunk, at int) { w.bytes(bytesOf(c.floats[at*dim : (at+1)*dim])) })
	}
	if x.options.Storage == Int8 {
		rows("codes", func(c *chunk, at int) { w.bytes(bytesOf(c.codes[at*dim : (at+1)*dim])) })
		rows("scales", func(c *chunk, at int) { w.bytes(bytesOf(c.scales[at : at+1])) })
	}
	if x.options.Storage == Binary {
		rows("bits", func(c *chunk, at int) { w.bytes(bytesOf(c.bits[at*c.words() : (at+1)*c.words()])) })
	}
	if g != nil {
		w.writeGraph(t, g)
	}
	w.align()
	b, err := encodeTable(t, w.at)
	if err != nil {
		return err
	}
	w.bytes(b)
	if w.err == nil {
		w.err = w.to.Flush()
	}
	return errors.WithStack(w.err)
}

// sortedLabels is the labels of rows in order, and where in it each of s.labels is.
func (s *snapshot) sortedLabels(rows []int32) (names []string, number []int32) {
	number = make([]int32, len(s.labels))
	for _, row := range rows {
		c, at := split(row)
		number[s.chunks[c].labels[at]] = 1
	}
	for i, l := range s.labels {
		if number[i] > 0 {
			names = append(names, l)
		}
	}
	slices.Sort(names)
	for i, l := range s.labels {
		at, _ := slices.BinarySearch(names, l)
		number[i] = int32(at)
	}
	return names, number
}

// sectionWriter writes sections and their checksums. It keeps the first error.
type sectionWriter struct {
	to     *bufio.Writer
	ctx    context.Context
	at     int64
	err    error
	sum    hash.Hash32
	summed int
	blocks []uint32
}

func (w *sectionWriter) section(name string, content func()) section {
	w.align()
	w.sum.Reset()
	w.summed, w.blocks = 0, nil
	begin := w.at
	content()
	if w.summed > 0 {
		w.blocks = append(w.blocks, w.sum.Sum32())
	}
	return section{Name: name, Begin: begin, Size: w.at - begin, Blocks: w.blocks}
}

func (w *sectionWriter) align() { w.bytes(make([]byte, -w.at&(sectionAlign-1))) }

func (w *sectionWriter) bytes(b []byte) {
	for len(b) > 0 && w.err == nil {
		n := min(len(b), sumBlock-w.summed)
		w.sum.Write(b[:n])
		_, w.err = w.to.Write(b[:n])
		w.at, w.summed, b = w.at+int64(n), w.summed+n, b[n:]
		if w.summed == sumBlock {
			w.blocks = append(w.blocks, w.sum.Sum32())
			w.sum.Reset()
			w.summed = 0
			if w.err == nil {
				w.err = errors.WithStack(w.ctx.Err())
			}
		}
	}
}
