package datasets

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pkg/errors"

	"medusa/internal/exclusive"
	"medusa/internal/needs"
)

// LoaderConfig says how batches are made. Batch must be given; the zero value of the
// rest is: no normalisation, no augmentation, seed 0, as many workers as suit, 4 ahead.
type LoaderConfig struct {
	Normalisation Normalisation
	Augment       Augment
	Seed          uint64 // of the augmentation
	Batch         int    // pictures in a batch
	Workers       int    // goroutines that prepare pictures; if 0 GOMAXPROCS, and 32 at least where they are read from a file
	Ahead         int    // batches prepared ahead of the consumer; 4 if 0

	// Recipes makes batches of recipes in place of pixels, for another device to follow.
	Recipes bool

	// State, if not nil, is called right after each call of next, by the same
	// goroutine; what it returns travels with the batch. It is the sampler's state as
	// of that batch, however far ahead the loader has run.
	State func() []byte
}

// Batch is one prepared batch. It belongs to the consumer until Release.
type Batch struct {
	Step         int
	Indices      []int     // (B) items of the data set
	Classes      []int     // (B) their classes
	Labels       []float32 // (B) their classes again, as a graph's input wants them
	Pixels       []float32 // (B, C, H, W); nil with LoaderConfig.Recipes
	Recipes      []Recipe  // (B); nil without
	SamplerState []byte    // what LoaderConfig.State returned after this batch was drawn

	loader  *Loader
	pending atomic.Int32  // pieces not yet prepared
	ready   chan struct{} // gets one value when pending becomes 0
	held    atomic.Bool   // by the consumer
	mu      sync.Mutex
	err     error
}

// Release gives the batch's buffers back to the loader. Nothing of the batch may be
// used afterwards; a second call does nothing.
func (b *Batch) Release() {
	if b.held.CompareAndSwap(true, false) {
		b.loader.free <- b
	}
}

// fail keeps the first error of a batch.
func (b *Batch) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
	}
}

// Loader prepares batches ahead of the step that consumes them. One goroutine asks
// for the indices, in step order; others read, augment and normalise. The batches are
// the same for every number of workers, and a loader that starts at step n with the
// sampler's state of step n makes the same batches as one that ran through.
//
// One goroutine calls Next at a time, and another one gets an error; batches may be released
// by any. After the first batches nothing is allocated.
type Loader struct {
	data  Set
	size  int // values of an item
	conf  LoaderConfig
	next  func(dst []int) error
	free  chan *Batch // to be filled
	order chan *Batch // being filled, in step order
	jobs  chan job
	quit  chan struct{}
	done  sync.WaitGroup
	once  sync.Once

	use     exclusive.Use
	current *Batch // popped from order but not ready when its context ended
	err     error  // what ended the loader

	waited, waitedFirst atomic.Int64 // nanoseconds
	began               atomic.Int64 // when the first batch was handed out, Unix nanoseconds
}

// job is a piece of a batch.
type job struct {
	batch    *Batch
	from, to int
}

// NewLoader starts to prepare batches of d. next fills dst with the indices of the
// next batch, c.Batch of them; the Next method of a samplers.Sampler fits. It is called
// by one goroutine, and not after it returned an error: Next then hands that error out
// once all batches before it are consumed. startStep numbers the first batch. Close
// the loader when done.
func NewLoader(d Set, c LoaderConfig, next func(dst []int) error, startStep int) (*Loader, error) {
	if err := c.validate(d); err != nil {
		return nil, err
	}
	if next == nil {
		return nil, errors.New("datasets: loader without a source of indices")
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
		if own, ok := d.(*Dataset); ok && own.store.onDisk() {
			c.Workers = max(c.Workers, diskReaders)
		}
	}
	if c.Ahead == 0 {
		c.Ahead = 4
	}
	buffers := c.Ahead + 1 // one is with the consumer
	l := &Loader{
		data: d, size: ItemSize(d), conf: c, next: next, quit: make(chan struct{}),
		free: make(chan *Batch, buffers), order: make(chan *Batch, buffers), jobs: make(chan job, c.Workers),
	}
	for range buffers {
		l.free <- l.newBatch()
	}
	l.done.Add(1 + c.Workers)
	go l.dispatch(startStep)
	for range c.Workers {
		go l.work()
	}
	return l, nil
}

// diskReaders is how many items are read at a time from a file, which wait for the disk most of
// the time: vectors of a kilobyte at random places of a file of 10 GB that was in no cache came
// twice as fast as by two readers.
const diskReaders = 32

func (c LoaderConfig) validate(d Set) error {
	if isNil(d) || d.Len() == 0 {
		return errors.New("datasets: loader over an empty set")
	}
	if c.Batch < 1 {
		return errors.Errorf("datasets: loader's batch is %d, want 1 or more", c.Batch)
	}
	if c.Workers < 0 || c.Ahead < 0 {
		return errors.Errorf("datasets: loader has %d workers and %d batches ahead, want 0 (default) or more", c.Workers, c.Ahead)
	}
	channels, _, _ := d.Shape()
	if err := c.Normalisation.Validate(channels); err != nil {
		return err
	}
	if picturesOf(d) == nil && (c.Recipes || c.Augment != Augment{}) {
		return errors.New("datasets: only the pictures of a Dataset can be augmented: leave Augment and Recipes at zero (a Set of your own can implement Sampled)")
	}
	return c.Augment.Validate()
}

func (l *Loader) newBatch() *Batch {
	n := l.conf.Batch
	b := &Batch{
		Indices: make([]int, n), Classes: make([]int, n), Labels: make([]float32, n),
		loader: l, ready: make(chan struct{}, 1),
	}
	if l.conf.Recipes {
		b.Recipes = make([]Recipe, n)
	} else {
		b.Pixels = make([]float32, n*l.size)
	}
	return b
}

// dispatch draws the batches in step order and hands their pieces to the workers.
func (l *Loader) dispatch(step int) {
	defer l.done.Done()
	for ; ; step++ {
		var b *Batch
		select {
		case b = <-l.free:
		case <-l.quit:
			return
		}
		b.Step = step
		if b.err = l.draw(b); b.err != nil {
			b.ready <- struct{}{}
			l.order <- b
			return
		}
		if !l.handOut(b) {
			return
		}
	}
}

// draw fills in everything of b but its pixels.
func (l *Loader) draw(b *Batch) error {
	if err := l.next(b.Indices); err != nil {
		return err
	}
	b.SamplerState = nil
	if l.conf.State != nil {
		b.SamplerState = l.conf.State()
	}
	if err := checkItems(l.data.Len(), b.Indices); err != nil {
		return errors.WithMessagef(err, "batch of step %d", b.Step)
	}
	labels := l.data.Labels()
	for i, item := range b.Indices {
		b.Classes[i] = labels[item]
		b.Labels[i] = float32(b.Classes[i])
	}
	return nil
}

// handOut cuts b into pieces for the workers; false when the loader has been closed.
func (l *Loader) handOut(b *Batch) bool {
	pieces := min(l.conf.Workers, l.conf.Batch)
	b.pending.Store(int32(pieces))
	l.order <- b // as many places as there are batches
	for p := range pieces {
		select {
		case l.jobs <- job{b, p * l.conf.Batch / pieces, (p + 1) * l.conf.Batch / pieces}:
		case <-l.quit:
			return false
		}
	}
	return true
}

// work prepares pieces until the loader is closed.
func (l *Loader) work() {
	defer l.done.Done()
	prepare := l.preparer()
	for {
		select {
		case j := <-l.jobs:
			for slot := j.from; slot < j.to; slot++ {
				if err := prepare(j.batch, slot); err != nil {
					j.batch.fail(errors.WithMessagef(err, "batch of step %d", j.batch.Step))
					break
				}
			}
			if j.batch.pending.Add(-1) == 0 {
				j.batch.ready <- struct{}{}
			}
		case <-l.quit:
			return
		}
	}
}

// preparer returns what makes the item of one place of a batch. It serves one goroutine.
func (l *Loader) preparer() func(b *Batch, slot int) error {
	if d := picturesOf(l.data); d != nil {
		return l.picturePreparer(d)
	}
	n := l.size
	if d, ok := l.data.(*Dataset); ok { // of vectors
		fill := d.store.filler(l.conf.Normalisation)
		return func(b *Batch, slot int) error {
			return fill(b.Pixels[slot*n:(slot+1)*n], int(d.rows[b.Indices[slot]]))
		}
	}
	prepare := func(dst []float32, b *Batch, slot int) error {
		return l.data.Fill(dst, b.Indices[slot:slot+1], l.conf.Normalisation)
	}
	if sampled, ok := l.data.(Sampled); ok {
		source := rand.NewPCG(0, 0)
		rng := rand.New(source)
		prepare = func(dst []float32, b *Batch, slot int) error {
			source.Seed(seedOf(l.conf.Seed, b.Step, slot))
			return sampled.Sample(dst, b.Indices[slot], l.conf.Normalisation, rng)
		}
	}
	return func(b *Batch, slot int) error {
		return aboutItem(l.data, b.Indices[slot], func() error { return prepare(b.Pixels[slot*n:(slot+1)*n:(slot+1)*n], b, slot) })
	}
}

// picturePreparer augments pictures, or says how.
func (l *Loader) picturePreparer(d *Dataset) func(b *Batch, slot int) error {
	s, n := d.store, l.size
	g := newAugmenter(l.conf.Augment, s, l.conf.Normalisation)
	scratch := s.scratch()
	if s.detail != nil {
		scratch = s.detail.scratch() // the larger of the two
	}
	return func(b *Batch, slot int) error {
		r := g.draw(l.conf.Seed, b.Step, slot, d.quarter(b.Indices[slot]))
		r.Item = b.Indices[slot]
		if l.conf.Recipes {
			b.Recipes[slot] = r
			return nil
		}
		from := s
		if r.Detail {
			from = s.detail
		}
		pixels, err := from.get(int(d.rows[b.Indices[slot]]), scratch)
		if err != nil {
			return err
		}
		g.make(b.Pixels[slot*n:(slot+1)*n], pixels, r)
		return nil
	}
}

// errClosed is returned by Next after Close.
var errClosed = errors.New("datasets: loader is closed")

// Next returns the next batch, waiting for it if need be. It returns the error of the
// source of indices as it came, and after an error the same one again.
func (l *Loader) Next(ctx context.Context) (*Batch, error) {
	if err := needs.Context("datasets", ctx); err != nil {
		return nil, err
	}
	if err := l.use.Begin("datasets: the loader"); err != nil {
		return nil, err
	}
	defer l.use.End()
	if l.err != nil {
		return nil, l.err
	}
	select {
	case <-l.quit:
		return nil, errClosed
	default:
	}
	if err := l.await(ctx); err != nil {
		return nil, err
	}
	b := l.current
	l.current = nil
	if b.err != nil {
		l.err = b.err
		return nil, l.err
	}
	b.held.Store(true)
	if l.began.Load() == 0 {
		l.waitedFirst.Store(l.waited.Load())
		l.began.Store(time.Now().UnixNano())
	}
	return b, nil
}

// await makes l.current a batch that is ready, and counts the time that takes.
func (l *Loader) await(ctx context.Context) error {
	if l.current == nil {
		select {
		case l.current = <-l.order:
		default:
			defer l.countFrom(time.Now())
			select {
			case l.current = <-l.order:
			case <-ctx.Done():
				return errors.Wrap(ctx.Err(), "datasets: waiting for a batch")
			case <-l.quit:
				return errClosed
			}
			return l.awaitReady(ctx)
		}
	}
	select {
	case <-l.current.ready:
		return nil
	default:
	}
	defer l.countFrom(time.Now())
	return l.awaitReady(ctx)
}

func (l *Loader) awaitReady(ctx context.Context) error {
	select {
	case <-l.current.ready:
		return nil
	case <-ctx.Done():
		return errors.Wrap(ctx.Err(), "datasets: waiting for a batch")
	case <-l.quit:
		return errClosed
	}
}

func (l *Loader) countFrom(start time.Time) { l.waited.Add(int64(time.Since(start))) }

// Waited returns how long Next has waited altogether.
func (l *Loader) Waited() time.Duration { return time.Duration(l.waited.Load()) }

// WaitShare returns the share, 0 … 1, of the time since the first batch was handed out
// that Next has waited: what loading costs a run in its steady state.
func (l *Loader) WaitShare() float64 {
	began := l.began.Load()
	if began == 0 {
		return 0
	}
	elapsed := time.Now().UnixNano() - began
	if elapsed <= 0 {
		return 0
	}
	return min(1, float64(l.waited.Load()-l.waitedFirst.Load())/float64(elapsed))
}

// Close stops the loader and waits for its goroutines. Batches not yet released stay
// readable. It may be called twice.
func (l *Loader) Close() {
	l.once.Do(func() { close(l.quit) })
	l.done.Wait()
}
