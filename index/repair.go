package index

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/pkg/errors"

	"medusa/internal/cpu/loops"
	"medusa/metrics"
)

// repaired is the graph of s in which no row leads to a removed one: each row that did chooses its
// links anew, among those that it has and those that the removed rows lead to. Links are
// changed where they are, so the caller has the lock of changes; who searches meanwhile finds
// its way. The result does not depend on the number of threads, as links of removed rows stay.
func (s *snapshot) repaired(ctx context.Context, d metrics.Distance) (*graph, error) {
	b := &builder{s: s, g: s.graph, distance: d}
	var stopped atomic.Bool
	loops.Parallel(s.rows, 1024, func(lo, hi int) {
		l := b.linker()
		for row := int32(lo); row < int32(hi) && !stopped.Load(); row++ {
			if ctx.Err() != nil {
				stopped.Store(true)
			}
			if !s.isRemoved(row) {
				l.avoidRemoved(row)
			}
		}
	})
	if stopped.Load() {
		return nil, errors.Wrap(ctx.Err(), "index: stopped while links were mended; nothing was lost")
	}
	g := *s.graph
	if g.entry >= 0 && s.isRemoved(g.entry) {
		g.entry, g.top = s.highest()
	}
	return &g, nil
}

// highest is a row of the highest level that was not removed, and its level.
func (s *snapshot) highest() (entry int32, top int) {
	entry = -1
	for row := range int32(s.rows) {
		if !s.isRemoved(row) && (entry < 0 || s.graph.level(row) > top) {
			entry, top = row, s.graph.level(row)
		}
	}
	return entry, top
}

func (l *linker) avoidRemoved(row int32) {
	for level := range l.g.level(row) + 1 {
		list := l.g.list(row, level)
		l.linked = read(l.linked[:0], list, l.rows)
		if !slices.ContainsFunc(l.linked, l.b.s.isRemoved) {
			continue
		}
		l.others = l.b.reachable(l.others[:0], row, l.linked, level)
		l.rank(row, l.others)
		l.choose(l.all, l.g.room(level))
		write(list, l.chosen)
	}
}

// reachable appends the rows that links lead to, over removed rows, but for the row itself.
func (b *builder) reachable(to []int32, row int32, links []int32, level int) []int32 {
	const most = 256
	seen, todo := map[int32]bool{row: true}, append([]int32(nil), links...)
	for i := 0; i < len(todo) && len(to) < most && i < 4*most; i++ {
		at := todo[i]
		if seen[at] {
			continue
		}
		seen[at] = true
		if b.s.isRemoved(at) {
			todo = read(todo, b.g.list(at, level), b.s.rows)
			continue
		}
		to = append(to, at)
	}
	return to
}

// renumbered is the graph g of s, which leads to no removed row, for a snapshot n that has the rows of
// order and no others.
func (g *graph) renumbered(s, n *snapshot, order []int32) *graph {
	number := make([]int32, s.rows)
	for i := range number {
		number[i] = -1
	}
	for i, row := range order {
		number[row] = int32(i)
	}
	empty := *g
	empty.chunks = nil
	out := empty.grown(n, 0)
	var links []int32
	for i, row := range order {
		for level := range g.level(row) + 1 {
			links = read(links[:0], g.list(row, level), s.rows)
			kept := links[:0]
			for _, l := range links {
				if number[l] >= 0 {
					kept = append(kept, number[l])
				}
			}
			write(out.list(int32(i), level), kept)
		}
	}
	if g.entry >= 0 {
		out.entry = number[g.entry]
	}
	return out
}
