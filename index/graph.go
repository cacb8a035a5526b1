package index

import (
	"context"
	"math"
	"sync/atomic"

	"github.com/pkg/errors"

	"medusa/internal/field"
	"medusa/internal/needs"
)

// GraphOptions says how the graph is made by which a search goes from item to item.
type GraphOptions struct {
	Links   int    // of an item, M of the paper; twice as many at the lowest level; 16 if zero
	Effort  int    // items kept in view while an item's links are chosen; 200 if zero
	Seed    uint64 // of the items' levels
	Threads int    // that add items at the same time, GOMAXPROCS if zero; one makes the same graph each time
	// Progress, if not nil, is told now and then how many items of how many Build has linked.
	Progress func(done, total int)
}

const (
	maxLinks = 512
	maxLevel = 31
)

func (o *GraphOptions) fill() error {
	if o.Links == 0 {
		o.Links = 16
	}
	if o.Effort == 0 {
		o.Effort = 200
	}
	if o.Links < 2 || o.Links > maxLinks {
		return field.Errorf("index", "GraphOptions", "%s is %d, want from 2 to %d", field.Name("Links"), o.Links, maxLinks)
	}
	if o.Effort < 1 {
		return field.Errorf("index", "GraphOptions", "%s is %d, want 1 or more", field.Name("Effort"), o.Effort)
	}
	if o.Threads < 0 {
		return field.Errorf("index", "GraphOptions", "%s is %d, want 1 or more", field.Name("Threads"), o.Threads)
	}
	return nil
}

var errNoGraph = errors.New("index: there is no graph where Options.Storage is Binary; a search compares the bits of all items")

// graph is a hierarchical navigable small world over the rows of a snapshot: Y. A. Malkov and
// D. A. Yashunin, "Efficient and Robust Approximate Nearest Neighbor Search Using Hierarchical
// Navigable Small World Graphs", TPAMI 2020. Each row has a level, and links to near rows at that
// level and each below; a search begins at the highest, where rows are few.
//
// Snapshots share the memory of links, which change while others read them: each is read and
// written atomically. A reader may so come across rows that its snapshot does not have, and passes over
// them. A graph itself is never changed.
type graph struct {
	GraphOptions
	entry  int32 // where searches begin; -1 for a graph without rows
	top    int   // the level of entry
	chunks []*links
}

// links is those of the rows of a chunk: the lowest level in base, others in upper. A list of n links is
// the number n and room for as many as there may be.
type links struct {
	levels []uint8
	base   []uint32 // a list a row
	begins []uint32 // where the lists of a row are in upper, one a level from 1 on
	upper  []uint32
}

func (g *graph) room(level int) int {
	if level == 0 {
		return 2 * g.Links
	}
	return g.Links
}

// list is the links of a row at a level that it has.
func (g *graph) list(row int32, level int) []uint32 {
	c, at := split(row)
	l := g.chunks[c]
	if level == 0 {
		size := 1 + 2*g.Links
		return l.base[at*size : (at+1)*size]
	}
	size := 1 + g.Links
	begin := int(l.begins[at]) + (level-1)*size
	return l.upper[begin : begin+size]
}

func (g *graph) level(row int32) int {
	c, at := split(row)
	return int(g.chunks[c].levels[at])
}

// levelOf draws the level of an item: level l or more with a chance of Links⁻ˡ.
func (o *GraphOptions) levelOf(id uint64) int {
	x := id + o.Seed*0x9e3779b97f4a7c15 // splitmix64
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	u := (float64(x>>11) + 1) / (1 << 53) // in (0, 1]
	return min(int(-math.Log(u)/math.Log(float64(o.Links))), maxLevel)
}

// read appends the links of a list that are below rows.
func read(to []int32, list []uint32, rows int) []int32 {
	n := min(int(atomic.LoadUint32(&list[0])), len(list)-1)
	for i := range n {
		if row := atomic.LoadUint32(&list[1+i]); row < uint32(rows) {
			to = append(to, int32(row))
		}
	}
	return to
}

// write makes rows the links of a list.
func write(list []uint32, rows []int32) {
	for i, row := range rows {
		atomic.StoreUint32(&list[1+i], uint32(row))
	}
	atomic.StoreUint32(&list[0], uint32(len(rows)))
}

// grown is the graph with room for the rows of s, which from the given one on have no links yet.
func (g *graph) grown(s *snapshot, from int) *graph {
	n := *g
	n.chunks = append([]*links(nil), g.chunks...)
	for i := from / chunkRows; i < len(s.chunks); i++ {
		if i == len(n.chunks) {
			n.chunks = append(n.chunks, &links{base: make([]uint32, 0, chunkRows*(1+2*g.Links))})
		}
		l, c := *n.chunks[i], s.chunks[i]
		old := min(len(l.levels), max(from-i*chunkRows, 0))
		l.levels, l.begins = append([]uint8(nil), l.levels[:old]...), append([]uint32(nil), l.begins[:old]...)
		size := len(l.upper)
		for at := old; at < c.len(); at++ {
			level := g.levelOf(c.ids[at])
			l.levels, l.begins = append(l.levels, uint8(level)), append(l.begins, uint32(size))
			size += level * (1 + g.Links)
		}
		upper := make([]uint32, size)
		copyLinks(upper, l.upper)
		base := l.base
		if rows := c.len() * (1 + 2*g.Links); cap(base) < rows {
			base = make([]uint32, rows, chunkRows*(1+2*g.Links))
			copyLinks(base, l.base)
		} else {
			base = base[:rows]
		}
		clear(base[old*(1+2*g.Links):])
		l.base, l.upper = base, upper
		n.chunks[i] = &l
	}
	return &n
}

// copyLinks copies what others may read.
func copyLinks(to, from []uint32) {
	for i := range from {
		to[i] = atomic.LoadUint32(&from[i])
	}
}

// Build makes a graph over the items, by which searches find nearly all of the nearest items in much
// less time; see SearchOptions. Items that are added later are linked, too. A graph that was
// there before is replaced. Searches go on meanwhile.
func (x *Index) Build(ctx context.Context, o GraphOptions) error {
	if err := needs.Context("index", ctx); err != nil {
		return err
	}
	if err := o.fill(); err != nil {
		return err
	}
	if x.options.Storage == Binary {
		return errors.WithStack(errNoGraph)
	}
	if _, err := x.view(); err != nil {
		return err
	}
	x.change.Lock()
	defer x.change.Unlock()
	n := x.now.Load().next()
	n.graph = &graph{GraphOptions: o, entry: -1}
	if err := x.link(ctx, n, 0); err != nil {
		return err
	}
	n.graph.Progress = nil // of Build alone
	x.publish(n, func() {})
	return nil
}

// Graph is how the graph was made, and whether there is one.
func (x *Index) Graph() (GraphOptions, bool) {
	if g := x.now.Load().graph; g != nil {
		return g.GraphOptions, true
	}
	return GraphOptions{}, false
}

// link gives the rows from that one on their links, if there is a graph.
func (x *Index) link(ctx context.Context, s *snapshot, from int) error {
	if s.graph == nil || from == s.rows {
		return nil
	}
	b := newBuilder(s, x.options.Distance, from)
	err := b.addAll(ctx, from)
	s.graph = b.graph()
	return errors.Wrap(err, "index: linking stopped; no item was changed")
}
