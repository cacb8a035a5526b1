package index

import (
	"sync/atomic"

	"github.com/pkg/errors"
)

// graphTable says in a file how the graph was made.
type graphTable struct {
	Links  int    `json:"links"`
	Effort int    `json:"effort"`
	Seed   uint64 `json:"seed"`
	Entry  int32  `json:"entry"`
	Top    int    `json:"top"`
}

// writeGraph writes the sections of a graph, whose rows are those of the file.
func (w *sectionWriter) writeGraph(t *table, g *graph) {
	t.Graph = &graphTable{g.Links, g.Effort, g.Seed, g.entry, g.top}
	each := func(name string, write func(l *links)) {
		t.Sections = append(t.Sections, w.section(name, func() {
			for _, l := range g.chunks {
				write(l)
			}
		}))
	}
	var copied []uint32
	linksOf := func(from []uint32) { // others may change them meanwhile
		copied = append(copied[:0], make([]uint32, len(from))...)
		copyLinks(copied, from)
		w.bytes(bytesOf(copied))
	}
	each("graph.levels", func(l *links) { w.bytes(l.levels) })
	each("graph.base", func(l *links) { linksOf(l.base) })
	each("graph.begins", func(l *links) { w.bytes(bytesOf(l.begins)) })
	each("graph.sizes", func(l *links) { w.bytes(bytesOf([]uint64{uint64(len(l.upper))})) })
	each("graph.upper", func(l *links) { linksOf(l.upper) })
}

// openGraph is the graph of a file; what its links are is checked later.
func openGraph(file []byte, t *table) (*graph, error) {
	if t.Storage == Binary.String() {
		return nil, errNoGraph
	}
	g := &graph{GraphOptions: GraphOptions{Links: t.Graph.Links, Effort: t.Graph.Effort, Seed: t.Graph.Seed}, entry: t.Graph.Entry, top: t.Graph.Top}
	if err := g.fill(); err != nil || g.GraphOptions.Links != t.Graph.Links {
		return nil, errors.Errorf("the file says that its graph has %d links of effort %d", t.Graph.Links, t.Graph.Effort)
	}
	if g.entry < -1 || int(g.entry) >= t.Rows || (g.entry < 0) != (t.Rows == 0) {
		return nil, errors.Errorf("the file says that its graph begins at row %d", g.entry)
	}
	rows, size, chunks := int64(t.Rows), int64(1+2*g.Links), int64((t.Rows+chunkRows-1)/chunkRows)
	levels, err := part[uint8](file, t, "graph.levels", rows)
	if err != nil {
		return nil, err
	}
	base, err := part[uint32](file, t, "graph.base", rows*size)
	if err != nil {
		return nil, err
	}
	begins, err := part[uint32](file, t, "graph.begins", rows)
	if err != nil {
		return nil, err
	}
	sizes, err := part[uint64](file, t, "graph.sizes", chunks)
	if err != nil {
		return nil, err
	}
	upper, err := part[uint32](file, t, "graph.upper", -1)
	if err != nil {
		return nil, err
	}
	for i, n := range sizes {
		first, end := i*chunkRows, min((i+1)*chunkRows, t.Rows)
		if n > uint64(len(upper)) {
			return nil, errors.New("links lie outside the file")
		}
		g.chunks = append(g.chunks, &links{
			levels: levels[first:end:end], base: base[first*int(size) : end*int(size) : end*int(size)],
			begins: begins[first:end:end], upper: upper[:n:n],
		})
		upper = upper[n:]
	}
	return g, nil
}

// check makes sure that the links of a chunk lead to rows of the level that they are of.
func (g *graph) check(chunk, rows int) error {
	l := g.chunks[chunk]
	wrong := errors.New("links lead to items that are not there")
	for at, level := range l.levels {
		row := int32(chunk*chunkRows + at)
		if level > maxLevel || uint64(l.begins[at])+uint64(level)*uint64(1+g.Links) > uint64(len(l.upper)) {
			return wrong
		}
		for level := range int(level) + 1 {
			list := g.list(row, level)
			if int(atomic.LoadUint32(&list[0])) > len(list)-1 {
				return wrong
			}
			for _, to := range list[1 : 1+list[0]] {
				if to >= uint32(rows) {
					return wrong
				}
				if level > 0 && g.level(int32(to)) < level {
					return wrong
				}
			}
		}
	}
	return nil
}
