package index

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pkg/errors"

	"medusa/internal/field"
	"medusa/internal/needs"
	"medusa/metrics"
)

// Options says what an index is made of.
type Options struct {
	Dim      int              // numbers of each vector
	Distance metrics.Distance // how near items are; Euclidean if zero
	Model    string           // fingerprint of the model that makes the vectors; see CheckModel
	// ModelPath is where the model of that fingerprint is, a run folder or a file; empty if that is not known.
	// A file keeps it relative to its own folder where one lies in the other, so that both can be moved
	// together, and else absolute. In an index that was opened from a file it is absolute.
	ModelPath string
	Storage   Storage // what is kept of vectors; Float32 if zero
	// KeepFloats keeps the vectors as they came besides those of Storage, for SearchOptions.Rerank
	// and Exact. In an index that was opened from a file they take no memory but where they are looked at.
	KeepFloats bool
}

// maxDim is the longest vector that an index takes.
const maxDim = 1 << 20

func (o *Options) check() error {
	if o.Dim < 1 || o.Dim > maxDim {
		return field.Errorf("index", "Options", "%s is %d, want from 1 to %d", field.Name("Dim"), o.Dim, maxDim)
	}
	if o.Distance < metrics.Euclidean || o.Distance > metrics.Dot {
		return field.Errorf("index", "Options", "%s is %d, want metrics.Euclidean, metrics.Cosine or metrics.Dot", field.Name("Distance"), int(o.Distance))
	}
	if o.Storage < Float32 || o.Storage > Binary {
		return field.Errorf("index", "Options", "%s is %d, want index.Float32, index.Int8 or index.Binary", field.Name("Storage"), int(o.Storage))
	}
	if o.KeepFloats && o.Storage == Float32 {
		return field.Errorf("index", "Options", "%s goes with an %s other than Float32, which keeps them anyway", field.Name("KeepFloats"), field.Name("Storage"))
	}
	if len(o.Model) > maxText {
		return field.Errorf("index", "Options", "%s has %d bytes, at most %d are kept", field.Name("Model"), len(o.Model), maxText)
	}
	if len(o.ModelPath) > maxText {
		return field.Errorf("index", "Options", "%s has %d bytes, at most %d are kept", field.Name("ModelPath"), len(o.ModelPath), maxText)
	}
	return nil
}

// Index is a set of items that can be searched for the nearest ones of a vector. All methods
// may be called by many goroutines at the same time: those that change items wait for each
// other, and the others do not wait. Each sees the items as they are at one moment.
type Index struct {
	options Options
	now     atomic.Pointer[snapshot]

	change  sync.Mutex // one change at a time
	walkers walkers
	moved   atomic.Pointer[string] // where the model is since SetModelPath; nil before

	// What follows changes together with now.
	names  sync.RWMutex
	rowOf  map[uint64]int32 // of ids that stand behind the sorted ones
	sorted int              // rows whose ids ascend, as in a file
	labels map[string]int32 // numbers of labels; nil as long as only a file's are known
}

// New is an index without items.
func New(o Options) (*Index, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	x := &Index{options: o, rowOf: map[uint64]int32{}}
	x.now.Store(&snapshot{})
	return x, nil
}

// Options is what the index was made with, and where its model is.
func (x *Index) Options() Options {
	o := x.options
	if path := x.moved.Load(); path != nil {
		o.ModelPath = *path
	}
	return o
}

// SetModelPath says where the model is now, in place of Options.ModelPath.
func (x *Index) SetModelPath(path string) { x.moved.Store(&path) }

// Len is the number of items.
func (x *Index) Len() int { return x.now.Load().live }

// CheckModel returns a *ModelError if the vectors were not made by the model of that
// fingerprint.
func (x *Index) CheckModel(fingerprint string) error {
	if x.options.Model != fingerprint {
		return &ModelError{x.options.Model, fingerprint}
	}
	return nil
}

// Get is a copy of the item of that ID, or a *NotFoundError.
func (x *Index) Get(id uint64) (Item, error) {
	if _, err := x.view(); err != nil {
		return Item{}, err
	}
	x.names.RLock()
	s := x.now.Load()
	row, ok := x.find(s, id)
	x.names.RUnlock()
	defer runtime.KeepAlive(s)
	if !ok {
		return Item{}, errors.WithStack(&NotFoundError{id})
	}
	return s.item(row), nil
}

// All calls visit with a copy of every item, in no particular order, until it returns false.
func (x *Index) All(visit func(Item) bool) error {
	s, err := x.view()
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(s)
	for row := range int32(s.rows) {
		if !s.isRemoved(row) && !visit(s.item(row)) {
			break
		}
	}
	return nil
}

// LastID is the largest ID that an item of the index has or had, 0 if there was none: who counts on from there gives no ID
// to two items.
func (x *Index) LastID() (uint64, error) {
	s, err := x.view()
	if err != nil {
		return 0, err
	}
	defer runtime.KeepAlive(s)
	return s.lastID(), nil
}

// find is the row of an id; the caller holds names or change.
func (x *Index) find(s *snapshot, id uint64) (int32, bool) {
	if row, ok := x.rowOf[id]; ok {
		return row, true
	}
	row, ok := s.sortedRow(id, x.sorted)
	return row, ok && !s.isRemoved(row)
}

// view is the items as they are, once the file that they may come from was checked.
func (x *Index) view() (*snapshot, error) {
	s := x.now.Load()
	if s.file == nil {
		return s, nil
	}
	return s, s.file.check()
}

// Add adds items, all or none. An ID that is there already is an *ExistsError.
func (x *Index) Add(ctx context.Context, items ...Item) error {
	return x.put(ctx, items, func(s *snapshot, id uint64) error {
		if _, ok := x.find(s, id); ok {
			return errors.WithStack(&ExistsError{id})
		}
		return nil
	})
}

// Update replaces items by those of the same IDs, all or none. An ID that is not there is a
// *NotFoundError.
func (x *Index) Update(ctx context.Context, items ...Item) error {
	return x.put(ctx, items, func(s *snapshot, id uint64) error {
		if _, ok := x.find(s, id); !ok {
			return errors.WithStack(&NotFoundError{id})
		}
		return nil
	})
}

func (x *Index) put(ctx context.Context, items []Item, allowed func(*snapshot, uint64) error) error {
	if err := needs.Context("index", ctx); err != nil {
		return err
	}
	given := make(map[uint64]int, len(items))
	for i := range items {
		if err := items[i].check(i, x.options.Dim); err != nil {
			return err
		}
		if before, ok := given[items[i].ID]; ok {
			return field.Errorf("index", "", "items %d and %d have the same %s, %d", before, i, field.Name("ID"), items[i].ID)
		}
		given[items[i].ID] = i
	}
	if _, err := x.view(); err != nil {
		return err
	}
	x.change.Lock()
	defer x.change.Unlock()
	s := x.now.Load()
	if s.rows+len(items) > maxRows {
		return errors.Errorf("index: %d items and %d removed ones with %d more are above %d; Compact forgets removed ones", s.live, s.rows-s.live, len(items), maxRows)
	}
	for i := range items {
		if err := allowed(s, items[i].ID); err != nil {
			return err
		}
	}
	n, own := s.next(), map[int]bool{}
	for i := range items {
		if row, ok := x.find(s, items[i].ID); ok {
			n.remove(row, own)
		}
		n.appendRow(&items[i], x.label(n, items[i].Label), &x.options, func(to *chunk) {
			to.norms = append(to.norms, to.add(items[i].Vector))
		})
	}
	if err := x.link(ctx, n, s.rows); err != nil {
		x.publish(s.abandoned(n), func() {})
		return err
	}
	x.publish(n, func() {
		for i := range items {
			x.rowOf[items[i].ID] = int32(s.rows + i)
		}
	})
	return nil
}

// abandoned is s with the rows that n has more, as removed ones: links may lead to them already, so
// that their numbers cannot be used again.
func (s *snapshot) abandoned(n *snapshot) *snapshot {
	out, own := *n, map[int]bool{}
	out.live = s.live + n.rows - s.rows
	out.removed = make([]*mask, len(n.chunks))
	copy(out.removed, s.removed)
	for row := s.rows; row < n.rows; row++ {
		out.remove(int32(row), own)
	}
	return &out
}

// publish makes n, and what names changes, what all see from now on.
func (x *Index) publish(n *snapshot, names func()) {
	x.names.Lock()
	names()
	x.now.Store(n)
	x.names.Unlock()
}

// label is the number of a label's text.
func (x *Index) label(n *snapshot, text string) int32 {
	if x.labels == nil {
		x.labels = make(map[string]int32, len(n.labels))
		for i, l := range n.labels {
			x.labels[l] = int32(i)
		}
	}
	i, ok := x.labels[text]
	if !ok {
		i = int32(len(n.labels))
		x.labels[text], n.labels = i, append(n.labels, text)
	}
	return i
}

// Remove removes the items of these IDs, all or none. An ID that is not there is a
// *NotFoundError. Their memory is given back by Compact, and by Save in the file.
func (x *Index) Remove(ids ...uint64) error {
	if _, err := x.view(); err != nil {
		return err
	}
	x.change.Lock()
	defer x.change.Unlock()
	s := x.now.Load()
	n, own, given := s.next(), map[int]bool{}, make(map[uint64]bool, len(ids))
	for _, id := range ids {
		row, ok := x.find(s, id)
		if !ok || given[id] {
			return errors.WithStack(&NotFoundError{id})
		}
		given[id] = true
		n.remove(row, own)
	}
	x.publish(n, func() {
		for _, id := range ids {
			delete(x.rowOf, id)
		}
	})
	return nil
}

// Compact gives back the memory of items that were removed or replaced. Searches go on
// meanwhile.
func (x *Index) Compact(ctx context.Context) error {
	if err := needs.Context("index", ctx); err != nil {
		return err
	}
	if _, err := x.view(); err != nil {
		return err
	}
	x.change.Lock()
	defer x.change.Unlock()
	s := x.now.Load()
	defer runtime.KeepAlive(s)
	if s.live == s.rows {
		return nil
	}
	var g *graph
	if s.graph != nil {
		var err error
		if g, err = s.repaired(ctx, x.options.Distance); err != nil {
			return err
		}
	}
	n, order := &snapshot{last: s.lastID()}, s.order()
	labels := x.labels
	x.labels = nil
	for _, row := range order {
		if err := ctx.Err(); err != nil {
			x.labels = labels
			return errors.Wrap(err, "index: Compact stopped; nothing was changed")
		}
		c, at := split(row)
		it := s.facts(s.chunks[c], at)
		n.appendRow(&it, x.label(n, it.Label), &x.options, func(to *chunk) {
			to.copyRow(&s.chunks[c].store, at)
			to.norms = append(to.norms, s.chunks[c].norms[at])
		})
	}
	if g != nil {
		n.graph = g.renumbered(s, n, order)
	}
	x.publish(n, func() { x.rowOf, x.sorted = map[uint64]int32{}, n.rows })
	return nil
}

// order is the rows that are not removed, by their ids.
func (s *snapshot) order() []int32 {
	order := make([]int32, 0, s.live)
	for row := range int32(s.rows) {
		if !s.isRemoved(row) {
			order = append(order, row)
		}
	}
	slices.SortFunc(order, func(a, b int32) int {
		if s.id(a) < s.id(b) {
			return -1
		}
		return 1
	})
	return order
}

// Labels counts the items of each label, those without one under "".
func (x *Index) Labels() (map[string]int, error) {
	s, err := x.view()
	if err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(s)
	count := make([]int, len(s.labels))
	for i, c := range s.chunks {
		for at, l := range c.labels {
			if !s.removed[i].has(at) {
				count[l]++
			}
		}
	}
	out := map[string]int{}
	for l, n := range count {
		if n > 0 {
			out[s.labels[l]] = n
		}
	}
	return out, nil
}
