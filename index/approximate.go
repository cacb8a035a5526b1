package index

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/pkg/errors"

	"medusa/internal/cpu/loops"
	"medusa/internal/field"
	"medusa/internal/nearest"
	"medusa/metrics"
)

// defaultEffort is how many rows a search over the graph keeps in view where it is not told.
const defaultEffort = 64

// byGraph says whether a search goes over the graph, where so many rows may be found. With fewer of
// them a walk passes over more rows that may not, and to compare the query with all that may is cheaper;
// it is exact, too.
func (s *snapshot) byGraph(o *SearchOptions, left int) bool {
	if s.graph == nil || s.graph.entry < 0 || o.Exact {
		return false
	}
	const walked = 2000 // rows that a search compares, about
	share := float64(left) / float64(s.rows)
	return share*share*float64(s.rows) > walked || left == s.live && left > walked
}

// approximate looks for the nearest rows over the graph.
func (x *Index) approximate(ctx context.Context, s *snapshot, queries []float32, o SearchOptions, hidden []*mask, hits [][]Hit) error {
	dim := x.options.Dim
	norms := make([]float64, len(hits))
	nearest.Norms(norms, queries, dim)
	if s.live == s.rows && o.Filter.any() {
		hidden = nil
	}
	effort := o.Effort
	if effort == 0 {
		effort = defaultEffort
	}
	effort = max(effort, o.K)
	var stopped atomic.Bool
	loops.Parallel(len(hits), 4, func(lo, hi int) {
		w := x.walkers.get(s, x.options.Distance)
		defer x.walkers.put(w)
		w.hidden = hidden
		var heap nearest.Heap
		for i := lo; i < hi; i++ {
			if stopped.Load() || ctx.Err() != nil {
				stopped.Store(true)
				return
			}
			query := queries[i*dim : (i+1)*dim]
			w.aim(query, norms[i])
			w.search([]near{w.descend(s.graph.entry, s.graph.top, 0)}, effort, 0)
			heap.Reset(o.K, s.id)
			w.settle(&heap, o.K)
			hits[i] = s.hits(heap.Sorted(), x.options.Distance)
		}
	})
	if stopped.Load() {
		return errors.Wrap(ctx.Err(), "index: the search stopped")
	}
	return nil
}

// settle compares the nearest rows that were found exactly, as many as were looked for and some more:
// those that lie about as far may have changed places.
func (w *walker) settle(heap *nearest.Heap, k int) {
	const more = 8
	found := w.ordered()
	d := nearest.Distance(w.distance)
	for _, n := range found[:min(len(found), k+more)] {
		row := n.row()
		heap.Offer(nearest.Ranked{Key: d.Key(w.query, w.vector(row, slotOther), w.length, w.norm(row)), Row: row})
	}
}

// walkers lends walkers, whose memory is used again.
type walkers struct{ free sync.Pool }

func (p *walkers) get(s *snapshot, d metrics.Distance) *walker {
	w, _ := p.free.Get().(*walker)
	if w == nil {
		w = new(walker)
	}
	w.g = s.graph
	w.rowReader.read(s, d)
	if len(w.visited) < s.rows {
		w.visited, w.round = make([]uint16, s.rows+s.rows/8), 0
	}
	return w
}

// put takes a walker back, which must not keep a file in memory.
func (p *walkers) put(w *walker) {
	w.g, w.hidden, w.query = nil, nil, nil
	clear(w.stores)
	clear(w.norms)
	p.free.Put(w)
}

// Recall is the share of the nearest items, as an exact search finds them, that a search with
// these options finds: the mean over queries, such as Sample returns. An item that is as near as the
// last one of the exact search counts, too.
func (x *Index) Recall(ctx context.Context, queries []float32, o SearchOptions) (float64, error) {
	found, err := x.Search(ctx, queries, o)
	if err != nil {
		return 0, err
	}
	if found.Len() == 0 {
		return 0, field.Errorf("index", "", "Recall: no queries")
	}
	o.Exact = true
	exact := Results{hits: make([][]Hit, found.Len()), s: found.s}
	if err := x.searchIn(ctx, found.s, queries, o, exact.hits); err != nil {
		return 0, err
	}
	sum, counted := 0.0, 0
	for i := range found.Len() {
		want := exact.Of(i)
		if len(want) == 0 {
			continue
		}
		hit := 0
		for _, h := range found.Of(i) {
			if h.Distance <= want[len(want)-1].Distance {
				hit++
			}
		}
		sum += float64(hit) / float64(len(want))
		counted++
	}
	if counted == 0 {
		return 1, nil // there is nothing to be found
	}
	return sum / float64(counted), nil
}

// Sample is the vectors of n items that are drawn with a seed, or of all if there are no more.
func (x *Index) Sample(n int, seed uint64) ([]float32, error) {
	s, err := x.view()
	if err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(s)
	rows := s.order()
	rng := rand.New(rand.NewPCG(seed, 0))
	var out []float32
	for i := range min(n, len(rows)) {
		j := i + rng.IntN(len(rows)-i)
		rows[i], rows[j] = rows[j], rows[i]
		out = append(out, s.item(rows[i]).Vector...)
	}
	return out, nil
}
