package model

import (
	"context"
	"time"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/datasets"
	"medusa/graph"
	"medusa/internal/ram"
	"medusa/machine"
	"medusa/nets"
)

// Embedder is a network for evaluation: graphs of several batch sizes over parameters that it
// shares with whoever trains them. Many goroutines may use it: what they want at the same time is
// embedded together, and each gets the bits that it would get alone. Nobody changes the parameters
// meanwhile.
type Embedder struct {
	queue       *queue
	wait        time.Duration // that a picture waits for others at the longest
	batch, size int           // pictures in a batch, numbers in an embedding of one view
	in          int           // numbers in a picture
	cfg         nets.Config
	params      *graph.Params
	dev         *machine.Device
	views       Views // what of a picture is embedded
	counts      batchCounts

	// Who has the queue's turn uses what follows.
	graphs []*evalGraph // the one of whole batches first; the smaller ones when first needed
	closed bool
}

// evalGraph embeds so many pictures at once.
type evalGraph struct {
	batch int
	x     []float32
	out   *graph.Kept
	vm    gorgonia.VM
}

// fewPictures are the sizes of smaller batches, so that one picture costs what one picture does.
var fewPictures = []int{8, 1}

// NewEmbedder builds the network for batches of so many pictures at the most; its parameters, which
// it adds to params where they are not there yet, live on dev from then on, the host if nil. Each picture
// is seen in views.
func NewEmbedder(cfg nets.Config, params *graph.Params, batch int, dev *machine.Device, views Views) (e *Embedder, err error) {
	pictures := float64(batch) * float64(cfg.InChannels) * float64(cfg.Height) * float64(cfg.Width)
	if err := ram.Check(4 * pictures); err != nil {
		return nil, errors.Errorf("model: an evaluation batch of %d pictures of %d×%d×%d (channels, height, width) %v; take a smaller one, or smaller pictures",
			batch, cfg.InChannels, cfg.Height, cfg.Width, err)
	}
	e = &Embedder{queue: newQueue(), batch: batch, in: cfg.InChannels * cfg.Height * cfg.Width, cfg: cfg, params: params, dev: dev, views: views}
	whole, err := e.build(batch)
	if err != nil {
		return nil, err
	}
	e.size = whole.out.Shape()[1]
	return e, nil
}

// build adds the graph of a batch size.
func (e *Embedder) build(batch int) (b *evalGraph, err error) {
	defer graph.Guard("building the network for evaluation", &err)
	b = &evalGraph{batch: batch}
	g := gorgonia.NewGraph()
	x, buf := graph.Input(g, "pictures", batch, e.cfg.InChannels, e.cfg.Height, e.cfg.Width)
	b.x = buf
	net, err := nets.Build(e.cfg, e.params, x, nets.Eval)
	if err != nil {
		return nil, err
	}
	if b.out, err = graph.Keep(net.Embedding); err != nil {
		return nil, err
	}
	if b.vm, err = machine.On(g, e.dev, e.params); err != nil {
		return nil, err
	}
	e.graphs = append(e.graphs, b)
	return b, nil
}

// graphFor is the graph that the next of so many pictures are embedded by. A device takes them all
// in that of whole batches: its libraries may compute another size otherwise.
func (e *Embedder) graphFor(pictures int) (*evalGraph, error) {
	batch := e.batch
	for _, n := range fewPictures {
		if e.dev == nil && n < batch && !worthFilling(batch, pictures) {
			batch = n
		}
	}
	for _, b := range e.graphs {
		if b.batch == batch {
			return b, nil
		}
	}
	return e.build(batch)
}

// worthFilling reports whether so many pictures are embedded faster by one batch of that size, the
// rest of which is for nothing, than by several smaller ones.
func worthFilling(batch, pictures int) bool {
	return batch-pictures <= max(batch/8, 3) && 2*pictures > batch
}

// Size is the length E of an embedding.
func (e *Embedder) Size() int { return e.views.Size(e.size) }

// Set is the embeddings (N, E) of d's items, row-major, normalised by norm. progress, if not nil,
// is told how many of how many are embedded.
func (e *Embedder) Set(ctx context.Context, d datasets.Set, norm datasets.Normalisation, progress func(done, total int)) ([]float32, error) {
	if err := datasets.CheckShape(d); err != nil {
		return nil, errors.WithMessage(err, "model")
	}
	if c, h, w := d.Shape(); c*h*w != e.in {
		return nil, errors.Errorf("model: pictures of %d×%d×%d (channels, height, width) do not fit the network, which takes %d numbers", c, h, w, e.in)
	}
	if err := e.views.Check(d); err != nil {
		return nil, errors.WithMessage(err, "model")
	}
	indices := make([]int, 0, e.batch)
	return e.all(ctx, d.Len(), func(dst []float32, from, to int, v datasets.View) error {
		if progress != nil {
			progress(from, d.Len())
		}
		indices = indices[:0]
		for i := from; i < to; i++ {
			indices = append(indices, i)
		}
		if own, ok := d.(*datasets.Dataset); ok {
			return own.FillView(dst, indices, norm, v)
		}
		return datasets.Fill(d, dst, indices, norm)
	})
}

// Pixels is the embeddings (N, E) of pictures (N, C, H, W) that are normalised already. Of them there
// are no views: an Embedder that takes views returns an error.
func (e *Embedder) Pixels(ctx context.Context, pixels []float32) ([]float32, error) {
	if len(pixels)%e.in != 0 {
		return nil, errors.Errorf("model: %d numbers are no whole pictures of %d", len(pixels), e.in)
	}
	if len(e.views.lists) > 0 {
		return nil, errors.New("model: an embedding is that of several views, which are made of pictures and not of normalised pixels: give it a Dataset, a file or an image")
	}
	return e.each(ctx, len(pixels)/e.in, func(out []float32, from, to int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return e.await(ctx, out, pixels[from*e.in:to*e.in])
	})
}

// fillView writes the pictures from … to−1, seen in one way.
type fillView func(dst []float32, from, to int, v datasets.View) error

// all is the embeddings of n pictures, which fill provides a batch at a time.
func (e *Embedder) all(ctx context.Context, n int, fill fillView) ([]float32, error) {
	in := make([]float32, min(n, e.batch)*e.in)
	return e.each(ctx, n, func(out []float32, from, to int) error {
		return e.some(ctx, out, in[:(to-from)*e.in], func(in []float32, v datasets.View) error { return fill(in, from, to, v) })
	})
}

// each is the embeddings of n pictures, of which embed writes those from … to−1 to out, a batch at a time.
func (e *Embedder) each(ctx context.Context, n int, embed func(out []float32, from, to int) error) (out []float32, err error) {
	defer graph.Guard("embedding pictures", &err)
	size := e.Size()
	out = make([]float32, n*size)
	for from := 0; from < n; from += e.batch {
		to := min(from+e.batch, n)
		err := embed(out[from*size:to*size], from, to)
		if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return nil, errors.Wrapf(err, "model: embedding stopped at picture %d of %d", from, n)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// some writes the embeddings of a batch at the most to out, in all views.
func (e *Embedder) some(ctx context.Context, out, in []float32, fill func(in []float32, v datasets.View) error) error {
	one := func(out []float32, v datasets.View) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fill(in, v); err != nil {
			return err
		}
		return e.await(ctx, out, in)
	}
	if len(e.views.lists) == 0 {
		return one(out, datasets.View{})
	}
	seen := make([]float32, len(in)/e.in*e.size)
	return e.views.of(out, e.size, !e.cfg.Raw, func(v datasets.View) ([]float32, error) { return seen, one(seen, v) })
}

// await has pictures embedded, a batch of them at the most, by whoever has the turn. Both slices are
// the caller's again when it returns.
func (e *Embedder) await(ctx context.Context, out, in []float32) error {
	r := &request{in: in, out: out, pictures: len(in) / e.in, came: time.Now(), ended: make(chan struct{})}
	e.queue.add(r, e.batch)
	for {
		select {
		case <-r.ended:
			return r.err
		case <-ctx.Done():
			e.queue.withdraw(r)
			<-r.ended
			return ctx.Err()
		case e.queue.turn <- struct{}{}:
			e.serve(ctx, r)
			<-e.queue.turn
		}
	}
}

// serve makes batches of what waits until the request has ended, or ctx has.
func (e *Embedder) serve(ctx context.Context, r *request) {
	for !r.hasEnded() && ctx.Err() == nil {
		if e.queue.linger(ctx, e.batch, e.wait); ctx.Err() != nil {
			return
		}
		shares := e.queue.take(e.batch)
		began := time.Now()
		err := e.batchOf(shares)
		e.counts.add(picturesOf(shares), time.Since(began))
		e.queue.finish(shares, err)
	}
}

// batchOf embeds the pictures of a batch.
func (e *Embedder) batchOf(shares []share) (err error) {
	defer graph.Guard("embedding pictures", &err)
	if e.closed {
		return ErrClosed
	}
	pictures := picturesOf(shares)
	for pictures > 0 {
		b, err := e.graphFor(pictures)
		if err != nil {
			return err
		}
		n := min(b.batch, pictures)
		now, later := split(shares, n)
		if err := e.run(b, now); err != nil {
			return err
		}
		shares, pictures = later, pictures-n
	}
	return nil
}

// picturesOf is how many pictures shares are of together.
func picturesOf(shares []share) (n int) {
	for _, s := range shares {
		n += s.pictures
	}
	return n
}

// split cuts shares behind so many pictures.
func split(shares []share, pictures int) (first, rest []share) {
	for i, s := range shares {
		if s.pictures >= pictures {
			first = append(first, share{s.of, s.from, pictures})
			if s.pictures > pictures {
				rest = append(rest, share{s.of, s.from + pictures, s.pictures - pictures})
			}
			return first, append(rest, shares[i+1:]...)
		}
		first = append(first, s)
		pictures -= s.pictures
	}
	return first, nil
}

// run embeds what one graph holds. Where that is more than there is, the rest is what was there
// before, and of no account.
func (e *Embedder) run(b *evalGraph, shares []share) error {
	at := 0
	for _, s := range shares {
		at += copy(b.x[at:], s.of.in[s.from*e.in:(s.from+s.pictures)*e.in])
	}
	if err := b.vm.RunAll(); err != nil {
		return errors.Wrap(err, "model: evaluation")
	}
	values := b.out.Float32s()
	if err := b.out.Err(); err != nil {
		return errors.Wrap(err, "model: evaluation")
	}
	for _, s := range shares {
		n := copy(s.of.out[s.from*e.size:(s.from+s.pictures)*e.size], values)
		values = values[n:]
	}
	return nil
}

// Close waits for the batch that is being made. It may be called twice.
func (e *Embedder) Close() error {
	if e == nil {
		return nil
	}
	e.queue.turn <- struct{}{}
	defer func() { <-e.queue.turn }()
	if e.closed {
		return nil
	}
	e.closed = true
	var err error
	for _, b := range e.graphs {
		if e := b.vm.Close(); err == nil {
			err = e
		}
	}
	return err
}
