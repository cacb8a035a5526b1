package index

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"medusa/metrics"
)

// builder adds rows to a graph, several at the same time.
type builder struct {
	s        *snapshot
	g        *graph // its entry and top are not used
	distance metrics.Distance
	locks    [1024]sync.Mutex // of lists, by row

	mu    sync.Mutex
	entry int32
	top   int
}

// newBuilder makes room in the graph of s for the rows from that one on.
func newBuilder(s *snapshot, d metrics.Distance, from int) *builder {
	return &builder{s: s, g: s.graph.grown(s, from), distance: d, entry: s.graph.entry, top: s.graph.top}
}

func (b *builder) graph() *graph {
	g := *b.g
	g.entry, g.top = b.entry, b.top
	return &g
}

func (b *builder) lock(row int32) *sync.Mutex { return &b.locks[uint32(row)%uint32(len(b.locks))] }

// addAll adds the rows from that one on that were not removed.
func (b *builder) addAll(ctx context.Context, from int) error {
	threads := b.g.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	total := b.s.rows - from
	var next, done atomic.Int64
	var told sync.Mutex
	var wg sync.WaitGroup
	for range min(threads, total) {
		wg.Go(func() {
			l := b.linker()
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= total {
					return
				}
				if row := int32(from + i); !b.s.isRemoved(row) {
					l.add(row)
				}
				if n := done.Add(1); b.g.Progress != nil && (n%1000 == 0 || int(n) == total) {
					told.Lock()
					b.g.Progress(int(n), total)
					told.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

// linker adds one row at a time.
type linker struct {
	*walker
	b      *builder
	chosen []int32
	all    []near
	others []int32
	apart  []float32
}

func (b *builder) linker() *linker { return &linker{walker: newWalker(b.s, b.g, b.distance), b: b} }

// add gives a row its links, and others links to it; see Algorithm 1 of the paper.
func (l *linker) add(row int32) {
	b, level := l.b, l.g.level(row)
	b.mu.Lock()
	entry, top := b.entry, b.top
	if entry < 0 {
		b.entry, b.top = row, level
		b.mu.Unlock()
		return
	}
	if level <= top {
		b.mu.Unlock()
	} else { // nobody else may become the entry meanwhile
		defer func() {
			b.entry, b.top = row, level
			b.mu.Unlock()
		}()
	}
	l.aim(l.vector(row, slotAim), l.norm(row))
	entries := []near{l.descend(entry, top, level)}
	for at := min(level, top); at >= 0; at-- {
		l.search(entries, l.g.Effort, at)
		entries = append(entries[:0], l.ordered()...)
		l.choose(entries, l.g.Links)
		chosen := append([]int32(nil), l.chosen...)
		lock := b.lock(row)
		lock.Lock()
		write(l.g.list(row, at), chosen)
		lock.Unlock()
		for _, other := range chosen {
			l.connect(other, row, at)
		}
	}
}

// connect adds to from a link to another row; a list that is full is chosen anew.
func (l *linker) connect(from, to int32, level int) {
	lock := l.b.lock(from)
	lock.Lock()
	defer lock.Unlock()
	list := l.g.list(from, level)
	l.others = read(l.others[:0], list, l.rows)
	for _, row := range l.others {
		if row == to {
			return
		}
	}
	l.others = append(l.others, to)
	if len(l.others) <= l.g.room(level) {
		write(list, l.others)
		return
	}
	l.rank(from, l.others)
	l.choose(l.all, l.g.room(level))
	write(list, l.chosen)
}

// rank orders rows by how far they are from one.
func (l *linker) rank(from int32, rows []int32) {
	l.apart = l.compare(l.apart, l.vector(from, slotOther), l.norm(from), rows)
	l.all = l.all[:0]
	for i, row := range rows {
		l.all = append(l.all, nearOf(l.apart[i], row))
	}
	slices.Sort(l.all)
}

// choose takes at most most of the rows, nearest first, and of them those that are nearer to
// the row in question than to any that was taken before: see Algorithm 4 of the paper. So links go
// in all directions, out of a cluster as well.
func (l *linker) choose(rows []near, most int) {
	l.chosen = l.chosen[:0]
	for _, n := range rows {
		if len(l.chosen) == most {
			return
		}
		if l.leadsElsewhere(n) {
			l.chosen = append(l.chosen, n.row())
		}
	}
}

func (l *linker) leadsElsewhere(n near) bool {
	row, value := n.row(), n.value()
	vector, norm := l.vector(row, slotOther), l.norm(row)
	for i := 0; i < len(l.chosen); i += 4 {
		l.apart = l.compare(l.apart, vector, norm, l.chosen[i:min(i+4, len(l.chosen))])
		for _, apart := range l.apart {
			if apart < value {
				return false
			}
		}
	}
	return true
}
